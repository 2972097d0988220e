#!lua
-- Begins to remember, where nothing does yet. KEYS: since when the database remembers. ARGV: since when it shall.
if redis.call('SET', KEYS[1], ARGV[1], 'NX') then return {'begun'} end
return {'known'}
