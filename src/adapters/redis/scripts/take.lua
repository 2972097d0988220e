#!lua flags=allow-oom
-- Takes a ticket. KEYS: the ticket. ARGV: now.
local keep, open, secret, payload = unpack(redis.call(
  'HMGET', KEYS[1], 'until', 'open_until', 'secret', 'payload'))
if not keep or keep <= ARGV[1] then return {'absent'} end
redis.call('DEL', KEYS[1])
return {'taken', keep, open, secret, payload}
