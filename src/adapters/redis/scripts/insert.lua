#!lua
-- Keeps a new row. KEYS: the row. ARGV: seconds until it may go, or 0; then its fields and values.
if redis.call('EXISTS', KEYS[1]) == 1 then return {'conflict'} end
redis.call('HSET', KEYS[1], unpack(ARGV, 2))
if ARGV[1] ~= '0' then redis.call('EXPIRE', KEYS[1], ARGV[1]) end
return {'kept'}
