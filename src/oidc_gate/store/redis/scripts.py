"""Scripts for what Redis has to do atomically. Each script uses keys of one hash slot, so it works in a cluster too.

Each call sends the whole script (``EVAL``), so it works after a restart of Redis as well; Redis caches the compiled
script. If the connection breaks before the answer has come, a call may be sent twice. The second one has no further
effect and returns the same answer.
"""

# KEYS: row. ARGV: expected version, version, expires_at, leaves_at, last_seen, indexes, label, body, now - grace.
PUT = """
local was = redis.call('HMGET', KEYS[1], 'v', 'b', 'l', 's')
if (was[1] or '0') ~= ARGV[1] then
  return (was[1] == ARGV[2] and was[2] == ARGV[8]) and 1 or 0
end
local leaves, seen = tonumber(ARGV[4]), tonumber(ARGV[5])
if was[1] then leaves = math.max(leaves, tonumber(was[3])); seen = math.max(seen, tonumber(was[4])) end
redis.call('HSET', KEYS[1], 'v', ARGV[2], 'e', ARGV[3], 'l', string.format('%d', leaves),
  's', string.format('%d', seen), 'i', ARGV[6], 'n', ARGV[7], 'b', ARGV[8])
redis.call('EXPIRE', KEYS[1], math.max(leaves - tonumber(ARGV[9]), 1))
return 1
"""

# KEYS: row. ARGV: last_seen, leaves_at, now, now - grace.
TOUCH = """
local was = redis.call('HMGET', KEYS[1], 'e', 'l', 's')
if not was[1] or math.min(tonumber(was[1]), tonumber(was[2])) <= tonumber(ARGV[3]) then return 0 end
local seen = math.max(tonumber(was[3]), tonumber(ARGV[1]))
local leaves = math.max(tonumber(was[2]), tonumber(ARGV[2]))
redis.call('HSET', KEYS[1], 'l', string.format('%d', leaves), 's', string.format('%d', seen))
redis.call('EXPIRE', KEYS[1], math.max(leaves - tonumber(ARGV[4]), 1))
return 1
"""

# KEYS: row.
DROP = """
local was = redis.call('HMGET', KEYS[1], 'e', 'l', 'i')
redis.call('DEL', KEYS[1])
return was
"""

# KEYS: index. ARGV: expires_at, key of the row, now - grace.
INDEX = """
redis.call('ZADD', KEYS[1], ARGV[1], ARGV[2])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', ARGV[3])
local lasts = tonumber(ARGV[1]) - tonumber(ARGV[3])
if redis.call('TTL', KEYS[1]) < lasts then redis.call('EXPIRE', KEYS[1], math.max(lasts, 1)) end
return 1
"""

# KEYS: log. ARGV: its maximum length, then four values for each end: key, kind, when it was added, until when it is
# kept; the last three are empty for a row. The log is trimmed first, because Redis lets a script that has written
# something continue although its memory is full.
ANNOUNCE = """
redis.call('XTRIM', KEYS[1], 'MAXLEN', '~', ARGV[1])
local ids = {}
for at = 2, #ARGV, 4 do
  ids[#ids + 1] = redis.call('XADD', KEYS[1], '*',
    'k', ARGV[at], 't', ARGV[at + 1], 'a', ARGV[at + 2], 'u', ARGV[at + 3])
end
return ids
"""

# KEYS: birth, log. ARGV: the value of the birth if there is none yet, and a position or an empty text.
# Returns the birth, whether the entry at the position exists, and the position of the newest entry.
BORN = """
local born = redis.call('GET', KEYS[1])
if not born then
  redis.call('SET', KEYS[1], ARGV[1])
  redis.call('XADD', KEYS[2], '*', 'k', '', 't', '', 'a', '', 'u', '')
  born = ARGV[1]
end
local there = 0
if ARGV[2] ~= '' then there = #redis.call('XRANGE', KEYS[2], ARGV[2], ARGV[2]) end
local newest = redis.call('XREVRANGE', KEYS[2], '+', '-', 'COUNT', 1)
return {born, there, newest[1] and newest[1][1] or '0-0'}
"""

# KEYS: a hash of the expiring keys of a kind, and a sorted set of them, ordered by their ends.
# ARGV: name, until, now, token of this call, now - grace, maximum number of keys, when it was added.
# Returns whether the name was new.
ADD = """
local now, ends = tonumber(ARGV[3]), tonumber(ARGV[2])
local at, was, by = string.match(redis.call('HGET', KEYS[1], ARGV[1]) or '0 0 -', '^(%d+) (%d+) (%S+)$')
at, was = tonumber(at), tonumber(was)
local is_new = was <= now
if is_new then by = ARGV[4] end
if ends > now then
  ends = math.max(ends, was)
  redis.call('HSET', KEYS[1], ARGV[1],
    string.format('%d %d %s', math.max(at, tonumber(ARGV[7])), ends, by))
  redis.call('ZADD', KEYS[2], ends, ARGV[1])
  local lasts = math.max(ends - tonumber(ARGV[5]), 1)
  for each = 1, 2 do
    if redis.call('TTL', KEYS[each]) < lasts then redis.call('EXPIRE', KEYS[each], lasts) end
  end
end
local over = redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', ARGV[5], 'LIMIT', 0, 100)
for _, name in ipairs(over) do
  redis.call('ZREM', KEYS[2], name)
  redis.call('HDEL', KEYS[1], name)
end
local surplus = math.min(redis.call('ZCARD', KEYS[2]) - tonumber(ARGV[6]), 100)
if surplus > 0 then
  for _, name in ipairs(redis.call('ZRANGE', KEYS[2], 0, surplus - 1)) do
    redis.call('ZREM', KEYS[2], name)
    redis.call('HDEL', KEYS[1], name)
  end
end
return (is_new or by == ARGV[4]) and 1 or 0
"""

# KEYS: lease. ARGV: token, milliseconds.
LEASE = """
if redis.call('SET', KEYS[1], ARGV[1], 'NX', 'PX', ARGV[2]) then return 1 end
return redis.call('GET', KEYS[1]) == ARGV[1] and 1 or 0
"""

RENEW = """
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('PEXPIRE', KEYS[1], ARGV[2])
"""

RELEASE = """
if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end
return 1
"""
