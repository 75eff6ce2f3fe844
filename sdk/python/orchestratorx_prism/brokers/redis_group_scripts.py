"""What a consumer group's members do inside the server, in Lua: take, end, give back, keep, park, leave.

Keys are those of `redis_scripts`.
"""

from __future__ import annotations

from typing import Final

from orchestratorx_prism.brokers.redis_scripts import Script

GIVEN_BACK: Final = "given-back"
"""The consumer that owns what nobody has in hand: what a closed subscription left, and what waits for its key."""

TAKE: Final = Script(
    """
-- KEYS: of each stream the stream and its delayed ones. ARGV: group, consumer, limit, max_unacked, ack_wait_ms,
-- milliseconds after which what had to wait for another of its key is looked at again, and whose name it has meanwhile.
-- Returns deliveries {stream's number, entry id, attempt, fields}, each stream's last id, ms until the next delayed one
-- (-1: none), numbers of streams whose group was gone, and how many pending entries somebody deleted.
local group, consumer, left = ARGV[1], ARGV[2], tonumber(ARGV[3])
local room, ack_wait = tonumber(ARGV[4]), tonumber(ARGV[5])
local postpone, nobody = tonumber(ARGV[6]), ARGV[7]
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local found, last_ids, remade, deleted, next_due = {}, {}, {}, 0, -1

-- Who has the entry that is `place` in the lane. One that was ended behind our back is forgotten here.
local function owner_at(lane, stream, place)
  local id = redis.call('LINDEX', lane, place)
  local row = redis.call('XPENDING', stream, group, id, id, 1)[1]
  if row then return row[2] end
  redis.call('LREM', lane, 1, id)
end

local function lane_of(stream, fields)
  for i = 1, #fields, 2 do
    if fields[i] == 'key' and fields[i + 1] ~= '' then
      return 'orchestratorx:lane:' .. group .. ':' .. stream .. ':' .. fields[i + 1]
    end
  end
end

local function is_for_others(fields)
  for i = 1, #fields, 2 do
    if fields[i] == 'orchestratorx_only_for' then return fields[i + 1] ~= group end
  end
end

-- Whether no other consumer has an older entry of the key. This consumer keeps the order of its own by itself. The
-- oldest and the one right before tell: what is between was given to whoever has that one.
local function may_go(stream, id, lane)
  local place = lane and redis.call('LPOS', lane, id)
  while place and place > 0 do
    local before = owner_at(lane, stream, place - 1)
    local first = before and owner_at(lane, stream, 0)
    if before and first then return before == consumer and first == consumer end
    place = redis.call('LPOS', lane, id)
  end
  return true
end

local function claim(number, stream, delayed, id)
  local row = redis.call('XPENDING', stream, group, id, id, 1)[1]
  local entry = redis.call('XRANGE', stream, id, id)[1]
  if row and entry and not may_go(stream, id, lane_of(stream, entry[2])) then
    redis.call('ZADD', delayed, now + postpone, id)
    return
  end
  redis.call('ZREM', delayed, id)
  if row and entry then
    redis.call('XCLAIM', stream, group, consumer, 0, id)
    found[#found + 1] = {number, id, row[4] + 1, entry[2]}
    left = left - 1
  elseif row then
    redis.call('XACK', stream, group, id)
    deleted = deleted + 1
  end
end

-- A new entry. One that has to wait for another consumer belongs to nobody meanwhile, and was never delivered.
local function admit(number, stream, delayed, entry)
  local lane = lane_of(stream, entry[2])
  if lane then redis.call('RPUSH', lane, entry[1]) end
  room = room - 1
  if may_go(stream, entry[1], lane) then
    found[#found + 1] = {number, entry[1], 1, entry[2]}
    left = left - 1
  else
    redis.call('XCLAIM', stream, group, nobody, 0, entry[1], 'RETRYCOUNT', 0, 'JUSTID')
    redis.call('ZADD', delayed, now + postpone, entry[1])
  end
end

local function read(number, stream, delayed)
  while left > 0 and room > 0 do
    local count = math.min(left, room)
    local fresh = redis.call('XREADGROUP', 'GROUP', group, consumer, 'COUNT', count, 'STREAMS', stream, '>')
    if not fresh then return end
    for _, entry in ipairs(fresh[1][2]) do
      if is_for_others(entry[2]) then redis.call('XACK', stream, group, entry[1])
      else admit(number, stream, delayed, entry) end
    end
  end
end

for k = 1, #KEYS, 2 do
  local pending = redis.pcall('XPENDING', KEYS[k], group)
  if pending.err then
    local made = redis.pcall('XGROUP', 'CREATE', KEYS[k], group, '0', 'MKSTREAM')
    if made.err then return made end
    redis.call('DEL', KEYS[k + 1])
    redis.call('SADD', 'orchestratorx:remade:' .. group, KEYS[k])
  else
    room = room - pending[1]
  end
  if redis.call('SREM', 'orchestratorx:remade:' .. group, KEYS[k]) == 1 then
    remade[#remade + 1] = (k + 1) / 2
  end
end
for k = 1, #KEYS, 2 do
  local number, stream, delayed = (k + 1) / 2, KEYS[k], KEYS[k + 1]
  if left > 0 then
    -- More than are asked for: some may have to wait again.
    for _, id in ipairs(redis.call('ZRANGEBYSCORE', delayed, '-inf', now, 'LIMIT', 0, left + 100)) do
      if left > 0 then claim(number, stream, delayed, id) end
    end
  end
  if left > 0 then
    local count = left + redis.call('ZCARD', delayed)
    for _, row in ipairs(redis.call('XPENDING', stream, group, 'IDLE', ack_wait, '-', '+', count)) do
      if left > 0 and not redis.call('ZSCORE', delayed, row[1]) then claim(number, stream, delayed, row[1]) end
    end
  end
  read(number, stream, delayed)
  local first_due = redis.call('ZRANGE', delayed, 0, 0, 'WITHSCORES')[2]
  if first_due then
    local wait = math.max(0, first_due - now)
    if next_due < 0 or wait < next_due then next_due = wait end
  end
  local info = redis.call('XINFO', 'STREAM', stream)
  for i = 1, #info, 2 do
    if info[i] == 'last-generated-id' then last_ids[number] = info[i + 1] end
  end
end
return {found, last_ids, next_due, remade, deleted}
"""
)

END: Final = Script(
    """
-- KEYS: stream, delayed, lane. ARGV: group, entry id.
redis.call('ZREM', KEYS[2], ARGV[2])
redis.call('LREM', KEYS[3], 1, ARGV[2])
return redis.call('XACK', KEYS[1], ARGV[1], ARGV[2])
"""
)

GIVE_BACK: Final = Script(
    """
-- KEYS: stream, delayed. ARGV: group, consumer, entry id, delay_ms. Nothing, if somebody else has the entry now.
local rows = redis.pcall('XPENDING', KEYS[1], ARGV[1], ARGV[3], ARGV[3], 1)
if rows.err or not rows[1] or rows[1][2] ~= ARGV[2] then return 0 end
local time = redis.call('TIME')
redis.call('ZADD', KEYS[2], time[1] * 1000 + math.floor(time[2] / 1000) + ARGV[4], ARGV[3])
return 1
"""
)

RETURN_UNSEEN: Final = Script(
    """
-- KEYS: of each stream the stream and its delayed ones. ARGV: group, consumer, whose name for what is returned, then
-- stream and entry id of all that the consumer knows of. The rest was taken for it, and the answer never came.
local group, consumer, nobody, known = ARGV[1], ARGV[2], ARGV[3], {}
for i = 4, #ARGV, 2 do known[ARGV[i] .. ' ' .. ARGV[i + 1]] = true end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
for k = 1, #KEYS, 2 do
  local rows = redis.pcall('XPENDING', KEYS[k], group, '-', '+', 1000000, consumer)
  if not rows.err then
    for _, row in ipairs(rows) do
      if not known[KEYS[k] .. ' ' .. row[1]] and redis.call('ZADD', KEYS[k + 1], 'NX', now, row[1]) == 1 then
        -- That delivery does not count as an attempt.
        redis.call('XCLAIM', KEYS[k], group, nobody, 0, row[1], 'RETRYCOUNT', math.max(0, row[4] - 1), 'JUSTID')
      end
    end
  end
end
return 1
"""
)

KEEP: Final = Script(
    """
-- KEYS: stream. ARGV: group, consumer, entry ids: those that the consumer still has do not go to others for a while.
for i = 3, #ARGV do
  local rows = redis.pcall('XPENDING', KEYS[1], ARGV[1], ARGV[i], ARGV[i], 1)
  if not rows.err and rows[1] and rows[1][2] == ARGV[2] then
    redis.call('XCLAIM', KEYS[1], ARGV[1], ARGV[2], 0, ARGV[i], 'JUSTID')
  end
end
return 1
"""
)

PARK: Final = Script(
    """
-- KEYS: stream, delayed, lane, dead letters. ARGV: group, entry id, then names and values of the dead letter.
-- Nothing, if the entry was ended before.
local rows = redis.pcall('XPENDING', KEYS[1], ARGV[1], ARGV[2], ARGV[2], 1)
if rows.err or not rows[1] then return 0 end
redis.call('XADD', KEYS[4], '*', unpack(ARGV, 3))
redis.call('ZREM', KEYS[2], ARGV[2])
redis.call('LREM', KEYS[3], 1, ARGV[2])
return redis.call('XACK', KEYS[1], ARGV[1], ARGV[2])
"""
)

LEAVE: Final = Script(
    """
-- KEYS: of each stream the stream and its delayed ones. ARGV: group, consumer, whose name for what is left.
-- Also forgets consumers that ended without leaving, an hour after their entries went to others.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
for k = 1, #KEYS, 2 do
  local rows = redis.pcall('XPENDING', KEYS[k], ARGV[1], '-', '+', 1000000, ARGV[2])
  if not rows.err then
    for _, row in ipairs(rows) do
      redis.call('XCLAIM', KEYS[k], ARGV[1], ARGV[3], 0, row[1], 'JUSTID')
      redis.call('ZADD', KEYS[k + 1], 'NX', now, row[1])
    end
    for _, info in ipairs(redis.call('XINFO', 'CONSUMERS', KEYS[k], ARGV[1])) do
      -- Only one that has nothing pending: deleting a consumer drops what it has.
      local name, pending, idle = info[2], info[4], info[6]
      if pending == 0 and (name == ARGV[2] or idle > 3600000) then
        redis.call('XGROUP', 'DELCONSUMER', KEYS[k], ARGV[1], name)
      end
    end
  end
end
return 1
"""
)
