#!lua
-- Asks what became of a request. KEYS: the request. ARGV: the client that asks, now, now in seconds, by how much
-- the pace grows, to what; then the fields to read when it is redeemed.
local keep, client, grant, state, expires, pace, polled = unpack(redis.call(
  'HMGET', KEYS[1], 'until', 'client', 'grant', 'state', 'expires_at', 'pace', 'polled_at'))
local now, seconds = ARGV[2], tonumber(ARGV[3])
if not keep or keep <= now then return {'absent'} end
if not (client and state and expires and pace) then return redis.error_reply('CORRUPT a field is missing') end
if client ~= ARGV[1] then return {'foreign'} end
if state == 'redeemed' then return {'replayed', grant} end
if state == 'denied' then return {'denied'} end
if expires <= now then return {'expired'} end
if state == 'approved' then
  local row = redis.call('HMGET', KEYS[1], unpack(ARGV, 6))
  redis.call('HSET', KEYS[1], 'state', 'redeemed')
  redis.call('HDEL', KEYS[1], 'secret', 'payload')
  return {'approved', grant, unpack(row)}
end
if state ~= 'waiting' then return redis.error_reply('CORRUPT a state is unknown') end
if not polled or tonumber(polled) + pace <= seconds then
  redis.call('HSET', KEYS[1], 'polled_at', ARGV[3])
  return {'pending'}
end
local slower = math.min(pace + ARGV[4], math.max(pace, ARGV[5]))
redis.call('HSET', KEYS[1], 'polled_at', ARGV[3], 'pace', string.format('%.0f', slower))
return {'slow_down'}
