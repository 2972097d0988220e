#!lua flags=allow-oom
-- Reads a row. KEYS: the row. ARGV: the fields to read.
return redis.call('HMGET', KEYS[1], unpack(ARGV))
