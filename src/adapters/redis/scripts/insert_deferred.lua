#!lua
-- Keeps a new request. KEYS: the request, its user code, those that wait about its subject, those of its client
-- among them; the last three are not touched where ARGV says that there is none.
-- ARGV: now, seconds until the request may go, or 0; seconds until its place among those that wait may go, or 0;
-- most that wait of the client, most of all, whether there is a subject, whether there is a user code, the
-- request's name, its name among those that wait, how the keys of requests begin; then its fields and values.
local now, subject, user_code = ARGV[1], ARGV[6] == '1', ARGV[7] == '1'

-- Members begin with the moment of their end, so that their order is that of the ends.
local function waiting(key)
  return redis.call('ZLEXCOUNT', key, '(' .. now .. '\255', '+')
end

-- A request that nobody answered leaves its name behind when it goes.
local function forget_gone(key)
  for _, member in ipairs(redis.call('ZRANGEBYLEX', key, '-', '+', 'LIMIT', 0, 8)) do
    if redis.call('EXISTS', ARGV[10] .. string.sub(member, 22)) == 0 then redis.call('ZREM', key, member) end
  end
end

local function wait(key)
  local left = redis.call('EXISTS', key) == 1 and redis.call('TTL', key) or 0
  redis.call('ZADD', key, 0, ARGV[9])
  if ARGV[3] == '0' then
    redis.call('PERSIST', key)
  elseif left ~= -1 and left < tonumber(ARGV[3]) then
    redis.call('EXPIRE', key, ARGV[3])
  end
  forget_gone(key)
end

if subject and (waiting(KEYS[4]) >= tonumber(ARGV[4]) or waiting(KEYS[3]) >= tonumber(ARGV[5])) then
  return {'crowded'}
end
if redis.call('EXISTS', KEYS[1]) == 1 then return {'conflict'} end
if user_code and redis.call('EXISTS', KEYS[2]) == 1 then return {'conflict'} end
redis.call('HSET', KEYS[1], unpack(ARGV, 11))
if ARGV[2] ~= '0' then redis.call('EXPIRE', KEYS[1], ARGV[2]) end
if user_code then
  redis.call('SET', KEYS[2], ARGV[8])
  if ARGV[2] ~= '0' then redis.call('EXPIRE', KEYS[2], ARGV[2]) end
end
if subject then
  wait(KEYS[3])
  wait(KEYS[4])
end
return {'kept'}
