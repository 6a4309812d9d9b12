"""What must happen in one step in Redis, as Lua."""

from typing import Final

# ARGV: the worker, milliseconds it counts as alive for. Returns how many are.
ALIVE: Final = """
local now = redis.call('TIME')
local ms = now[1] * 1000 + math.floor(now[2] / 1000)
redis.call('ZADD', KEYS[1], ms, ARGV[1])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', ms - ARGV[2])
return redis.call('ZCARD', KEYS[1])
"""

# KEYS: the set of events. ARGV: what a stream's name begins with. Returns event, depth, id of the first entry, …
SURVEY: Final = """
local found = {}
for _, event in ipairs(redis.call('SMEMBERS', KEYS[1])) do
  local stream = ARGV[1] .. event
  local depth = redis.call('XLEN', stream)
  if depth > 0 then
    local first = redis.call('XRANGE', stream, '-', '+', 'COUNT', 1)
    found[#found + 1] = event
    found[#found + 1] = depth
    found[#found + 1] = first[1][1]
  end
end
return found
"""

# KEYS: leases. ARGV: the owner, milliseconds. Returns 1 for each that is the owner's.
RENEW: Final = """
local ours = {}
for i, lease in ipairs(KEYS) do
  ours[i] = 0
  if redis.call('GET', lease) == ARGV[1] then
    ours[i] = redis.call('PEXPIRE', lease, ARGV[2])
  end
end
return ours
"""

# KEYS: leases. ARGV: the owner.
RELEASE: Final = """
for _, lease in ipairs(KEYS) do
  if redis.call('GET', lease) == ARGV[1] then redis.call('DEL', lease) end
end
"""

# KEYS: records. ARGV: the field. Returns 1 for each that is cancelled.
CANCELLED: Final = """
local marks = {}
for i, record in ipairs(KEYS) do
  marks[i] = redis.call('HGET', record, ARGV[1]) == '1' and 1 or 0
end
return marks
"""

# KEYS: the stream, `served`. ARGV: the group, the number, entry ids. `served` never goes back.
SETTLE: Final = """
local before = tonumber(redis.call('GET', KEYS[2]) or '0')
if tonumber(ARGV[2]) > before then redis.call('SET', KEYS[2], ARGV[2]) end
for i = 3, #ARGV do
  redis.call('XACK', KEYS[1], ARGV[1], ARGV[i])
  redis.call('XDEL', KEYS[1], ARGV[i])
end
"""

# KEYS: a record. ARGV: field, value, … A record that is gone stays gone.
NOTE: Final = """
if redis.call('EXISTS', KEYS[1]) == 1 then redis.call('HSET', KEYS[1], unpack(ARGV)) end
"""
