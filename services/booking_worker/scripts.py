"""What must happen in one step in Redis, as Lua."""

from typing import Final

# ARGV: the instance, milliseconds it counts as alive for. Returns how many are.
ALIVE: Final = """
local now = redis.call('TIME')
local ms = now[1] * 1000 + math.floor(now[2] / 1000)
redis.call('ZADD', KEYS[1], ms, ARGV[1])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', ms - ARGV[2])
return redis.call('ZCARD', KEYS[1])
"""

# KEYS: the set of events. ARGV: what a stream's name begins with. Returns event, depth, id of the first entry, …
# An event without orders leaves the set, or every event there ever was would be looked at for ever; whoever orders puts
# it there again, in the step that appends the order.
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
  else
    redis.call('SREM', KEYS[1], event)
  end
end
return found
"""

# KEYS: lease and stream of each event. ARGV: the owner, group, consumer, entries of one event, entries of all.
# Returns what was new as XREADGROUP does, of events whose lease is the owner's; else the last id of each stream.
# One step: who has lost a lease reads nothing that whoever has it now would have to wait for.
READ: Final = """
local found, room = {}, tonumber(ARGV[5])
for i = 1, #KEYS, 2 do
  local count = math.min(room, tonumber(ARGV[4]))
  if count > 0 and redis.call('GET', KEYS[i]) == ARGV[1] then
    local read = {'XREADGROUP', 'GROUP', ARGV[2], ARGV[3], 'COUNT', count, 'STREAMS', KEYS[i + 1], '>'}
    local reply = redis.pcall(unpack(read))
    if type(reply) == 'table' and reply.err then
      -- Somebody emptied Redis. The streams that come from now on are read from their beginning.
      redis.call('XGROUP', 'CREATE', KEYS[i + 1], ARGV[2], '0', 'MKSTREAM')
      reply = redis.call(unpack(read))
    end
    if reply then
      found[#found + 1] = reply[1]
      room = room - #reply[1][2]
    end
  end
end
if #found > 0 then return {1, found} end
local last = {}
for i = 2, #KEYS, 2 do
  local newest = redis.call('XREVRANGE', KEYS[i], '+', '-', 'COUNT', 1)
  last[#last + 1] = newest[1] and newest[1][1] or '0-0'
end
return {0, last}
"""

# KEYS: lease, stream. ARGV: the owner, group, consumer, milliseconds idle, after which id, how many, 1 when the line
# was taken over, how often an entry may be taken over before it is handed out alone.
# Returns 1 when there is more, then entries and how often each was handed out. Without the lease: nothing.
CLAIM: Final = """
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return {0} end
local count, taken_over, alone_from = tonumber(ARGV[6]), tonumber(ARGV[7]), tonumber(ARGV[8])
local pending = redis.call('XPENDING', KEYS[2], ARGV[2], 'IDLE', ARGV[4], '(' .. ARGV[5], '+', count + 1)
local more, claimed = #pending > count and 1 or 0, {}
for i = 1, math.min(#pending, count) do
  local id, handed_out = pending[i][1], pending[i][4]
  local suspect = taken_over == 1 and handed_out >= alone_from
  if suspect and #claimed > 0 then
    more = 1
    break
  end
  local got = redis.call('XCLAIM', KEYS[2], ARGV[2], ARGV[3], 0, id, 'RETRYCOUNT', handed_out + taken_over)
  if #got > 0 then
    claimed[#claimed + 1] = {got[1], handed_out + taken_over}
  end
  if suspect and #got > 0 then
    more = #pending > i and 1 or 0
    break
  end
end
return {more, claimed}
"""

# KEYS: the latest life of the owner's instance, leases. ARGV: the owner, milliseconds, what all lives of its instance
# begin with. Returns 1 for each that is the owner's from now on: what nobody had or, if it is the latest life, another
# life of its instance. An earlier life that still runs takes nothing back, so the two do not fight.
LEASE: Final = """
local ours, latest = {}, redis.call('GET', KEYS[1]) == ARGV[1]
for i = 2, #KEYS do
  local holder = redis.call('GET', KEYS[i])
  local inherited = latest and holder and string.sub(holder, 1, #ARGV[3]) == ARGV[3]
  ours[i - 1] = 0
  if not holder or holder == ARGV[1] or inherited then
    redis.call('SET', KEYS[i], ARGV[1], 'PX', ARGV[2])
    ours[i - 1] = 1
  end
end
return ours
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
