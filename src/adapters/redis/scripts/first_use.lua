#!lua
-- Remembers a value. KEYS: the value, since when the database remembers. ARGV: until when, now, seconds until it
-- may go, or 0; the latest moment since when the database must remember for its answer to count.
local since = redis.call('GET', KEYS[2])
if not since then
  redis.call('SET', KEYS[2], ARGV[2])
  return {'forgotten'}
end
if since > ARGV[4] then return {'young'} end
local known = redis.call('GET', KEYS[1])
if known and known > ARGV[2] then return {'known'} end
if ARGV[1] <= ARGV[2] then return {'first'} end
redis.call('SET', KEYS[1], ARGV[1])
if ARGV[3] ~= '0' then redis.call('EXPIRE', KEYS[1], ARGV[3]) end
return {'first'}
