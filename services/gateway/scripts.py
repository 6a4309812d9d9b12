"""The queue's atomic steps, as Lua for Redis. Each may be sent twice: the second time changes nothing."""

from typing import Final

# Returns {outcome, booking id, number, served, queued at}; outcome is `placed`, `known`, `reused` or `full`.
PLACE: Final = """
local record, number_key, stream, events, served_key, idempotency = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6]
local booking, user, event, at, order, digest = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5], ARGV[6]
local limit, ttl = tonumber(ARGV[7]), ARGV[8]
local served = redis.call('GET', served_key) or '0'
if idempotency then
  local first = redis.call('HMGET', idempotency, 'booking_id', 'digest', 'number', 'queued_at')
  if first[1] then
    if first[2] ~= digest then return {'reused'} end
    return {'known', first[1], first[3], served, first[4]}
  end
end
local sent = redis.call('HMGET', record, 'number', 'queued_at')
if sent[1] then return {'known', booking, sent[1], served, sent[2]} end
local last = tonumber(redis.call('GET', number_key) or '0')
if last - tonumber(served) >= limit then return {'full'} end
local number = redis.call('INCR', number_key)
redis.call('XADD', stream, '*', 'order', order, 'number', number)
redis.call('SADD', events, event)
redis.call('HSET', record, 'user_id', user, 'event_id', event, 'number', number, 'queued_at', at)
redis.call('EXPIRE', record, ttl)
if idempotency then
  redis.call('HSET', idempotency, 'booking_id', booking, 'digest', digest, 'number', number, 'queued_at', at)
  redis.call('EXPIRE', idempotency, ttl)
end
return {'placed', booking, number, served, at}
"""

# Returns 1 when the order waits and is now marked, was marked before, or has ended; 0 when its turn has come and
# nothing is recorded of it, or it is not this user's.
CANCEL: Final = """
local record, served_key = KEYS[1], KEYS[2]
local known = redis.call('HMGET', record, 'user_id', 'number', 'status', 'cancelled')
if known[1] ~= ARGV[1] then return 0 end
if known[3] or known[4] then return 1 end
local served = tonumber(redis.call('GET', served_key) or '0')
if tonumber(known[2]) <= served then return 0 end
redis.call('HSET', record, 'cancelled', '1')
return 1
"""
