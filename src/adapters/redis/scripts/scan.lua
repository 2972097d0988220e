#!lua flags=allow-oom
-- Walks on through the keys. ARGV: from where, a pattern, how many to look at. Answers where to go on, then keys.
local step = redis.call('SCAN', ARGV[1], 'MATCH', ARGV[2], 'COUNT', ARGV[3])
return {step[1], unpack(step[2])}
