"""What the Redis broker does inside the server, in Lua: each script is one step that nothing comes between.

Keys, beside the streams, which are named by their addresses:

| key | holds |
|---|---|
| `orchestratorx:streams` | set: every stream that was published to or subscribed to |
| `orchestratorx:groups` | hash: group → its addresses as JSON |
| `orchestratorx:remade:<group>` | set: streams that were deleted and made again, until a consumer has told |
| `orchestratorx:ids:<stream>` | sorted set: event ids of the last publishes, by time |
| `orchestratorx:delayed:<group>:<stream>` | sorted set: entries given back, by when they are due |
| `orchestratorx:lane:<group>:<stream>:<key>` | list: the key's unfinished entries, oldest first |
| `orchestratorx:dead_letters:<group>` | stream: what the group has parked |
| `orchestratorx:redriven:<stream>` | sorted set: entries that are one group's alone, and that group, by time |

An entry with the field `orchestratorx_only_for` came back from the dead letters, and other groups pass over it.

Scripts name keys that they compute, so the server must not be a Redis Cluster; `redis_link` refuses one.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Final

STREAMS: Final = "orchestratorx:streams"
GROUPS: Final = "orchestratorx:groups"


def ids_key(stream: str) -> str:
    return f"orchestratorx:ids:{stream}"


def delayed_key(group: str, stream: str) -> str:
    return f"orchestratorx:delayed:{group}:{stream}"


def lane_key(group: str, stream: str, key: str) -> str:
    return f"orchestratorx:lane:{group}:{stream}:{key}"


def redriven_key(stream: str) -> str:
    return f"orchestratorx:redriven:{stream}"


def dead_letters_key(group: str) -> str:
    return f"orchestratorx:dead_letters:{group}"


@dataclass(frozen=True, slots=True)
class Script:
    """One Lua script, with the name that the server gives it."""

    text: str = field(repr=False)
    sha: str = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "sha", hashlib.sha1(self.text.encode(), usedforsecurity=False).hexdigest())


WELCOME = """
local function wants(address, stream)
  return address == stream or (address:sub(-1) == '*' and stream:sub(1, #address - 1) == address:sub(1, -2))
end

-- Makes a stream known. Where it is new, or was deleted, every group that asked for it begins with its first message.
local function welcome(stream)
  local known = redis.call('SADD', KEYS[1], stream) == 0
  if known and redis.call('EXISTS', stream) == 1 then return end
  redis.call('DEL', 'orchestratorx:ids:' .. stream)
  local all = redis.call('HGETALL', KEYS[2])
  for i = 1, #all, 2 do
    for _, address in ipairs(cjson.decode(all[i + 1])) do
      if wants(address, stream) then
        redis.pcall('XGROUP', 'CREATE', stream, all[i], '0', 'MKSTREAM')
        if known then redis.call('SADD', 'orchestratorx:remade:' .. all[i], stream) end
      end
    end
  end
end

local function now_ms()
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end
"""

JOIN: Final = Script(
    WELCOME
    + """
-- KEYS: streams, groups. ARGV: group, addresses as JSON, 'join' or 'again'.
-- Returns the streams that the addresses match; the group is on each, from its oldest message where it is new.
redis.call(ARGV[3] == 'join' and 'HSET' or 'HSETNX', KEYS[2], ARGV[1], ARGV[2])
local addresses = cjson.decode(ARGV[2])
for _, address in ipairs(addresses) do
  if address:sub(-1) ~= '*' then welcome(address) end
end
local found = {}
for _, stream in ipairs(redis.call('SMEMBERS', KEYS[1])) do
  for _, address in ipairs(addresses) do
    if wants(address, stream) then
      local made = redis.pcall('XGROUP', 'CREATE', stream, ARGV[1], '0', 'MKSTREAM')
      if made.err and made.err:sub(1, 9) ~= 'BUSYGROUP' then return made end
      found[#found + 1] = stream
      break
    end
  end
end
return found
"""
)

PUBLISH: Final = Script(
    WELCOME
    + """
-- KEYS: streams, groups, stream, ids. ARGV: maxlen, window_ms, max_ids, then of each message id, key, routing key,
-- headers, body. Returns of each 'ok', 'held', 'full <group>' or what the server refused it with.
local stream, ids = KEYS[3], KEYS[4]
local maxlen, window, max_ids = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
welcome(stream)
local now = now_ms()
redis.call('ZREMRANGEBYSCORE', ids, '-inf', now - window)

local function before(a, b)
  local a_ms, a_seq = a:match('(%d+)-(%d+)')
  local b_ms, b_seq = b:match('(%d+)-(%d+)')
  if a_ms ~= b_ms then return tonumber(a_ms) < tonumber(b_ms) end
  return tonumber(a_seq) < tonumber(b_seq)
end

-- The oldest entry that some group has not read or not ended, and that group; nil without groups.
local function oldest_wanted()
  local oldest, holder
  for _, row in ipairs(redis.call('XINFO', 'GROUPS', stream)) do
    local info = {}
    for i = 1, #row, 2 do info[row[i]] = row[i + 1] end
    local wanted
    if info['pending'] > 0 then
      wanted = redis.call('XPENDING', stream, info['name'])[2]
    else
      local ms, seq = info['last-delivered-id']:match('(%d+)-(%d+)')
      wanted = ms .. '-' .. string.format('%.0f', tonumber(seq) + 1)
    end
    if not oldest or before(wanted, oldest) then oldest, holder = wanted, info['name'] end
  end
  return oldest, holder
end

-- Trims some entries more than need be, but none that a group still wants. Returns the new length, and who holds it up.
local function make_room(length)
  local excess = length - maxlen + math.max(1, math.min(100, math.floor(maxlen / 10)))
  local first = redis.call('XRANGE', stream, '-', '+', 'COUNT', excess + 1)
  local wanted, holder = oldest_wanted()
  local keep_from = first[excess + 1] and first[excess + 1][1]
  if not keep_from or (wanted and before(wanted, keep_from)) then keep_from = wanted end
  if keep_from then redis.call('XTRIM', stream, 'MINID', keep_from)
  else redis.call('XTRIM', stream, 'MAXLEN', maxlen - 1) end
  return redis.call('XLEN', stream), holder
end

local length = redis.pcall('XLEN', stream)
if type(length) == 'table' then return length end
local failed, replies = {}, {}
for i = 4, #ARGV, 5 do
  local id, key, reply = ARGV[i], ARGV[i + 1], 'ok'
  if failed[key] then
    reply = 'held'
  elseif redis.call('ZSCORE', ids, id) then
    -- A write, so that WAIT and WAITAOF wait for the first one too.
    redis.call('ZADD', ids, 'XX', now, id)
  else
    local holder
    if maxlen > 0 and length >= maxlen then length, holder = make_room(length) end
    if maxlen > 0 and length >= maxlen then
      reply = 'full ' .. tostring(holder)
    else
      local added = redis.pcall('XADD', stream, '*', 'id', id, 'key', key, 'routing_key', ARGV[i + 2], 'headers',
        ARGV[i + 3], 'body', ARGV[i + 4])
      if type(added) == 'table' then reply = added.err
      else
        length = length + 1
        redis.call('ZADD', ids, now, id)
      end
    end
  end
  if reply ~= 'ok' and key ~= '' then failed[key] = true end
  replies[#replies + 1] = reply
end
local extra = redis.call('ZCARD', ids) - max_ids
if extra > 0 then redis.call('ZREMRANGEBYRANK', ids, 0, extra - 1) end
return replies
"""
)
