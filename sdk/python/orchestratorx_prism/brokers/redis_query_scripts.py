"""What is asked of groups inside the server, in Lua: how far one is behind, and its dead letters handed back.

Keys are those of `redis_scripts`.
"""

from __future__ import annotations

from typing import Final

from orchestratorx_prism.brokers.redis_scripts import WELCOME, Script

LAG: Final = Script(
    """
-- KEYS: stream, redriven. ARGV: group, whose name it is that nobody has. Nothing is written.
-- Returns nil if the group is not on the stream, else: how many entries are behind the last one read (-1: the server
-- does not know), the id of that one, how many of those are for other groups, how many were read and handed to nobody,
-- how many were handed out and are not ended, the id of the oldest of all of them or '', the time in milliseconds.
local stream, group = KEYS[1], ARGV[1]
local rows = redis.pcall('XINFO', 'GROUPS', stream)
if rows.err then
  if rows.err:find('WRONGTYPE') or rows.err:find('no such key') then return false end
  return rows
end

local function named(row)
  local info = {}
  for i = 1, #row, 2 do info[row[i]] = row[i + 1] end
  return info
end

local function before(a, b)
  local a_ms, a_seq = a:match('(%d+)-(%d+)')
  local b_ms, b_seq = b:match('(%d+)-(%d+)')
  if a_ms ~= b_ms then return tonumber(a_ms) < tonumber(b_ms) end
  return tonumber(a_seq) < tonumber(b_seq)
end

local place
for _, row in ipairs(rows) do
  local info = named(row)
  if info['name'] == group then place = info end
end
if not place then return false end
local last = place['last-delivered-id']

local others, foreign = 0, {}
for _, member in ipairs(redis.call('ZRANGEBYSCORE', KEYS[2], last:match('%d+'), '+inf')) do
  local id, owner = member:match('^(%S+) (.*)$')
  if owner ~= group and before(last, id) and redis.call('XRANGE', stream, id, id)[1] then
    others, foreign[id] = others + 1, true
  end
end

-- What somebody deleted makes the server's own count guesswork.
local lag = place['lag'] or -1
if named(redis.call('XINFO', 'STREAM', stream))['max-deleted-entry-id'] ~= '0-0' then lag = -1 end

local undelivered, pending, oldest = 0, place['pending'], ''
if pending > 0 then
  oldest = redis.call('XPENDING', stream, group)[2]
  for _, row in ipairs(redis.call('XPENDING', stream, group, '-', '+', pending, ARGV[2])) do
    if row[4] == 0 then undelivered = undelivered + 1 end
  end
end
local from = '(' .. last
while oldest == '' do
  local page = redis.call('XRANGE', stream, from, '+', 'COUNT', 10)
  if not page[1] then break end
  for _, entry in ipairs(page) do
    if oldest == '' and not foreign[entry[1]] then oldest = entry[1] end
    from = '(' .. entry[1]
  end
end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
return {lag, last, others, undelivered, pending - undelivered, oldest, now}
"""
)

REDRIVE: Final = Script(
    WELCOME
    + """
-- KEYS: streams, groups, dead letters. ARGV: group, entry ids of dead letters. Returns how many went back.
-- Each goes to the end of its stream, for this group alone, in the same step in which it leaves the dead letters. Its
-- event id is not looked up among the recent ones: it is in there, and is meant to come again. `stream_maxlen` does not
-- hold it up: as much leaves the dead letters.
local done = 0
for i = 2, #ARGV do
  local dead = redis.call('XRANGE', KEYS[3], ARGV[i], ARGV[i])[1]
  if dead then
    local value = {}
    for j = 1, #dead[2], 2 do value[dead[2][j]] = dead[2][j + 1] end
    local stream = value['address']
    welcome(stream)
    -- Somebody may have removed the group: with a place on the stream it is certain to get what is for it.
    local made = redis.pcall('XGROUP', 'CREATE', stream, ARGV[1], '0', 'MKSTREAM')
    if made.err and made.err:sub(1, 9) ~= 'BUSYGROUP' then return made end
    redis.call('HSETNX', KEYS[2], ARGV[1], cjson.encode({stream}))
    local id = redis.call('XADD', stream, '*', 'id', value['id'], 'key', value['key'], 'routing_key',
      value['routing_key'], 'headers', value['headers'], 'body', value['body'], 'orchestratorx_only_for', ARGV[1])
    local redriven = 'orchestratorx:redriven:' .. stream
    local first = redis.call('XRANGE', stream, '-', '+', 'COUNT', 1)[1][1]
    redis.call('ZREMRANGEBYSCORE', redriven, '-inf', '(' .. first:match('%d+'))
    redis.call('ZADD', redriven, id:match('%d+'), id .. ' ' .. ARGV[1])
    redis.call('XDEL', KEYS[3], ARGV[i])
    done = done + 1
  end
end
return done
"""
)
