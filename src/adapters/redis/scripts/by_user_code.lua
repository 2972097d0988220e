#!lua flags=allow-oom
-- Finds a request by what the person types. KEYS: the user code. ARGV: how the keys of requests begin, then the
-- fields to read.
local name = redis.call('GET', KEYS[1])
if not name then return {} end
local row = redis.call('HMGET', ARGV[1] .. name, unpack(ARGV, 2))
table.insert(row, 1, name)
return row
