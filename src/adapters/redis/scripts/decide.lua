#!lua
-- Answers a request. KEYS: the request. ARGV: now, its name, how all keys begin, the new state; after an approval
-- the grant, until when it is remembered, the secret and the payload, seconds until it may go, or 0.
local function keep(key)
  if ARGV[9] == '0' then redis.call('PERSIST', key) else redis.call('EXPIRE', key, ARGV[9]) end
end

local state, expires, user_code, subject, client = unpack(redis.call(
  'HMGET', KEYS[1], 'state', 'expires_at', 'user_code', 'subject', 'client'))
if state ~= 'waiting' then return {'unchanged'} end
if not (expires and client) then return redis.error_reply('CORRUPT a field is missing') end
if expires <= ARGV[1] then return {'unchanged'} end
if ARGV[4] == 'approved' then
  redis.call('HSET', KEYS[1], 'state', 'approved', 'grant', ARGV[5], 'until', ARGV[6],
    'secret', ARGV[7], 'payload', ARGV[8])
  keep(KEYS[1])
  if user_code then keep(ARGV[3] .. 'user_code:' .. user_code) end
else
  redis.call('HSET', KEYS[1], 'state', ARGV[4])
  redis.call('HDEL', KEYS[1], 'secret', 'payload')
end
if subject then
  local waiting, member = ARGV[3] .. 'waiting:' .. subject, expires .. ':' .. ARGV[2]
  redis.call('ZREM', waiting, member)
  redis.call('ZREM', waiting .. ':' .. client, member)
end
return {'decided'}
