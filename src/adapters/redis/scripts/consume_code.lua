#!lua
-- Uses a code up. KEYS: the code. ARGV: the client that presents it, now.
local keep, client, grant, used, expires, secret, payload = unpack(redis.call(
  'HMGET', KEYS[1], 'until', 'client', 'grant', 'used_at', 'expires_at', 'secret', 'payload'))
local now = ARGV[2]
if not keep or keep <= now then return {'absent'} end
if not (client and grant and expires) then return redis.error_reply('CORRUPT a field is missing') end
if client ~= ARGV[1] then return {'foreign'} end
if used then return {'replayed', grant} end
if expires <= now then return {'expired'} end
redis.call('HSET', KEYS[1], 'used_at', now)
redis.call('HDEL', KEYS[1], 'secret', 'payload')
return {'fresh', grant, client, expires, keep, secret, payload}
