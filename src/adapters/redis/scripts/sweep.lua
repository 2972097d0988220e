#!lua flags=allow-oom
-- Removes rows that have had their time. KEYS: rows. ARGV: now, most to remove, how all keys begin, how long is
-- what comes before a request's name.
local swept = 0
for _, key in ipairs(KEYS) do
  if swept >= tonumber(ARGV[2]) then break end
  local keep, expires, user_code, subject, client = unpack(redis.call(
    'HMGET', key, 'until', 'expires_at', 'user_code', 'subject', 'client'))
  if keep and keep <= ARGV[1] then
    redis.call('DEL', key)
    if user_code then redis.call('DEL', ARGV[3] .. 'user_code:' .. user_code) end
    if subject and expires and client then
      local waiting = ARGV[3] .. 'waiting:' .. subject
      local member = expires .. ':' .. string.sub(key, ARGV[4] + 1)
      redis.call('ZREM', waiting, member)
      redis.call('ZREM', waiting .. ':' .. client, member)
    end
    swept = swept + 1
  end
end
return {tostring(swept)}
