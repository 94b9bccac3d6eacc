#include "queue_script.hpp"

// What the keys hold: docs/messaging.md, "The keys in Redis". All times are the server's, in ms since 1970.
namespace braid::redis::detail {

const char queue_steps[] = R"lua(
local P, op = KEYS[1], ARGV[1]
local call, num = redis.call, tonumber
local clock = call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
local wakes, frees = {}, false

local function M(id) return P .. 'm:' .. id end
local function G(g) return P .. 'g:' .. g end
local function ready(g, priority) return P .. 'r:' .. g .. ':' .. priority end

-- A step that takes no message needs no memory of the bound maxmemory: once it has written anything, the
-- server refuses it no other write.
if op ~= 'send' and op ~= 'group' then call('HDEL', P .. 'meta', 'nothing') end

-- What waits learns of it once the step is done.
local function done(reply)
  for g, n in pairs(wakes) do call('PUBLISH', P .. 'wake', g .. ' ' .. n) end
  if frees and call('DEL', P .. 'wants') == 1 then call('PUBLISH', P .. 'wake', 'room') end
  return reply
end

-- ---- the states of a message in a group: r ready, d delayed, l leased, x dead

local function list(g, id, priority)
  call('HSET', M(id), g .. 'e', call('XADD', ready(g, priority), '*', 'm', id))
  call('HINCRBY', G(g), 'n' .. priority, 1)
  wakes[g] = (wakes[g] or 0) + 1
end
local function unlist(g, id, priority, entry)
  call('XACK', ready(g, priority), 'g', entry)
  call('XDEL', ready(g, priority), entry)
  call('HDEL', M(id), g .. 'e')
  call('HINCRBY', G(g), 'n' .. priority, -1)
end

-- Lists the first message of a key that is not leased, if it is ready and the key's limit allows it.
local function settle(g, key)
  local line, at, wanted, state = P .. 'l:' .. g .. ':' .. key, 0
  repeat
    wanted = call('ZRANGE', line, at, at)[1]
    state = wanted and call('HGET', M(wanted), g .. 's')
    at = at + 1
  until state ~= 'l'
  local leased = num(call('HGET', P .. 'k:' .. g, key) or 0)
  if not wanted or state ~= 'r' or leased >= num(call('HGET', G(g), 'limit')) then wanted = false end
  local listed = call('HGET', P .. 'h:' .. g, key)
  if listed == wanted then return end
  if listed then
    call('HDEL', P .. 'h:' .. g, key)
    local m = call('HMGET', M(listed), 'priority', g .. 'e')
    unlist(g, listed, m[1], m[2])
  end
  if wanted then
    call('HSET', P .. 'h:' .. g, key, wanted)
    list(g, wanted, call('HGET', M(wanted), 'priority'))
  end
end

-- Moves a message to another state, or, if that is false, out of the group. A delay or a lease ends `at`.
local function change(g, id, to, at)
  local m = call('HMGET', M(id), g .. 's', 'key', 'priority', g .. 'e', g .. 'q')
  local from, key, priority, entry, asked = m[1], m[2], m[3], m[4], m[5]
  local keyed = key and key ~= ''
  if from then call('HINCRBY', G(g), from, -1) end
  if from == 'r' and entry then
    if keyed then call('HDEL', P .. 'h:' .. g, key) end
    if to == 'l' then
      call('HINCRBY', G(g), 'n' .. priority, -1)
    else
      unlist(g, id, priority, entry)
    end
  elseif from == 'd' then
    call('ZREM', P .. 'd:' .. g, id)
  elseif from == 'l' then
    call('ZREM', P .. 't:' .. g, id)
    call('XACK', ready(g, priority), 'g', entry)
    call('XDEL', ready(g, priority), entry)
    call('HDEL', M(id), g .. 'e', g .. 'q')
    if asked then call('HDEL', P .. 'q:' .. g, asked) end
    if keyed and call('HINCRBY', P .. 'k:' .. g, key, -1) == 0 then call('HDEL', P .. 'k:' .. g, key) end
  elseif from == 'x' then
    call('ZREM', P .. 'x:' .. g, id)
  end
  if keyed and to and to ~= 'x' then call('ZADD', P .. 'l:' .. g .. ':' .. key, id, id) end
  if keyed and (not to or to == 'x') then call('ZREM', P .. 'l:' .. g .. ':' .. key, id) end
  if to then
    call('HSET', M(id), g .. 's', to)
    call('HINCRBY', G(g), to, 1)
    if to == 'r' and not keyed then list(g, id, priority) end
    if to == 'd' then
      call('ZADD', P .. 'd:' .. g, at, id)
      wakes[g] = (wakes[g] or 0) + 1
    elseif to == 'l' then
      call('ZADD', P .. 't:' .. g, at, id)
      if keyed then call('HINCRBY', P .. 'k:' .. g, key, 1) end
    elseif to == 'x' then
      call('ZADD', P .. 'x:' .. g, call('HINCRBY', P .. 'meta', 'deaths', 1), id)
    end
  else
    call('ZREM', P .. 'o:' .. g, id)
    call('HDEL', M(id), g .. 's', g .. 'a', g .. 't', g .. 'n')
    if call('HINCRBY', M(id), 'open', -1) == 0 then
      call('HINCRBY', P .. 'meta', 'messages', -1)
      call('HINCRBY', P .. 'meta', 'bytes', 0 - call('HSTRLEN', M(id), 'body'))
      call('DEL', M(id))
      frees = true
    end
  end
  if keyed then settle(g, key) end
end

-- The delivery has failed. The message goes to this state, or is dead after the last attempt.
local function fail(g, id, how, reason, to, at)
  local m = call('HMGET', M(id), g .. 'a', g .. 'n')
  local notes = m[2] and cmsgpack.unpack(m[2]) or {}
  notes[#notes + 1] = {num(m[1]), how, now, reason}
  if #notes > 20 then table.remove(notes, 1) end
  call('HSET', M(id), g .. 'n', cmsgpack.pack(notes))
  call('HINCRBY', G(g), 'failures', 1)
  if num(m[1]) >= num(call('HGET', G(g), 'attempts')) then
    call('HINCRBY', G(g), 'buried', 1)
    to = 'x'
  end
  change(g, id, to, at)
end

-- Makes ready what is due: up to so many at a time.
local function turn_due(g)
  for _, id in ipairs(call('ZRANGEBYSCORE', P .. 'd:' .. g, '-inf', now, 'LIMIT', 0, 500)) do
    change(g, id, 'r')
  end
  for _, id in ipairs(call('ZRANGEBYSCORE', P .. 't:' .. g, '-inf', now, 'LIMIT', 0, 500)) do
    fail(g, id, 2, '', 'r')
  end
end

local function is_held(g, id, token)
  local m = call('HMGET', M(id), g .. 's', g .. 't')
  local until_then = m[1] == 'l' and m[2] == token and call('ZSCORE', P .. 't:' .. g, id)
  if until_then and num(until_then) > now then return true end
  if call('HEXISTS', G(g), 'name') == 1 then call('HINCRBY', G(g), 'stale', 1) end
  return false
end

local function acknowledge(g, id)
  call('HINCRBY', G(g), 'acknowledged', 1)
  call('HSET', G(g), 'progress', now)
  change(g, id, false)
end

if op == 'open' then
  local version = call('HGET', P .. 'meta', 'version')
  if version and version ~= '1' then return {'version', version} end
  call('HSET', P .. 'meta', 'version', 1)
  return {'ok'}
end

-- ---- groups

if op == 'group' then  -- name, attempts, lease, limit
  local g = call('HGET', P .. 'groups', ARGV[2])
  if not g then
    g = call('HLEN', P .. 'groups') + 1
    if g > 65535 then return {'many'} end
    call('HSET', P .. 'groups', ARGV[2], g)
    call('HSET', G(g), 'name', ARGV[2], 'paused', 0)
    for priority = 0, 9 do call('XGROUP', 'CREATE', ready(g, priority), 'g', 0, 'MKSTREAM') end
  end
  call('HSET', G(g), 'attempts', ARGV[3], 'lease', ARGV[4], 'limit', ARGV[5])
  for _, key in ipairs(call('HKEYS', P .. 'k:' .. g)) do settle(g, key) end
  return done({'ok'})
end

if op == 'pause' then  -- name, 1 or 0
  local g = call('HGET', P .. 'groups', ARGV[2])
  if not g then return {'group'} end
  call('HSET', G(g), 'paused', ARGV[3])
  wakes[g] = 1000000
  return done({'ok'})
end

-- ---- sends

-- most messages, most bytes, window, 1 if it waits, group, id and token of what is acknowledged or '';
-- and for each message its body, key, priority, delay and idempotency key
if op == 'send' then
  local groups = call('HLEN', P .. 'groups')
  if groups == 0 then return {'group'} end
  local acked = ARGV[6] ~= ''
  if acked and not is_held(ARGV[6], ARGV[7], ARGV[8]) then return {'stale'} end
  local ids, fresh, seen, bytes, duplicates = {}, {}, {}, 0, 0
  for at = 9, #ARGV, 5 do
    local name, i = ARGV[at + 4], (at - 4) / 5
    local known = name ~= '' and (seen[name] or call('GET', P .. 'i:' .. name))
    if known then
      ids[i] = known
      duplicates = duplicates + 1
    else
      if name ~= '' then seen[name] = -i end
      fresh[#fresh + 1] = at
      bytes = bytes + #ARGV[at]
    end
  end
  local meta = call('HMGET', P .. 'meta', 'messages', 'bytes')
  if #fresh ~= 0 and not acked and (num(meta[1] or 0) + #fresh > num(ARGV[2]) or
                                    num(meta[2] or 0) + bytes > num(ARGV[3])) then
    if ARGV[5] == '1' then call('SET', P .. 'wants', 1, 'PX', 10000) end
    return {'full'}
  end
  if acked then acknowledge(ARGV[6], ARGV[7]) end
  for _, at in ipairs(fresh) do
    local id = string.format('%d', call('HINCRBY', P .. 'meta', 'ids', 1))
    ids[(at - 4) / 5] = id
    call('HSET', M(id), 'body', ARGV[at], 'key', ARGV[at + 1], 'priority', ARGV[at + 2], 'at', now)
    call('HSET', M(id), 'open', groups)
    for g = 1, groups do
      call('HSET', M(id), g .. 'a', 0)
      call('ZADD', P .. 'o:' .. g, id, id)
      if num(ARGV[at + 3]) > 0 then
        change(g, id, 'd', now + num(ARGV[at + 3]))
      else
        change(g, id, 'r')
      end
    end
    local name = ARGV[at + 4]
    if name ~= '' and num(ARGV[4]) > 0 then call('SET', P .. 'i:' .. name, id, 'PX', ARGV[4]) end
  end
  for i, known in pairs(ids) do
    if type(known) == 'number' then ids[i] = ids[-known] end
  end
  call('HINCRBY', P .. 'meta', 'messages', #fresh)
  call('HINCRBY', P .. 'meta', 'bytes', bytes)
  call('HINCRBY', P .. 'meta', 'sent', #fresh)
  call('HINCRBY', P .. 'meta', 'duplicates', duplicates)
  return done({'ok', ids})
end

-- ---- deliveries

-- The highest priority; but after sixteen that went before a waiting lower one it is that one's turn.
local function pick(g)
  local fields = {}
  for priority = 0, 9 do
    fields[priority + 1] = 'n' .. priority
    fields[priority + 11] = 'p' .. priority
  end
  local all, chosen = call('HMGET', G(g), unpack(fields))
  for priority = 9, 0, -1 do
    if num(all[priority + 1] or 0) > 0 and (not chosen or num(all[priority + 11] or 0) >= 16) then
      chosen = priority
    end
  end
  if not chosen then return end
  for priority = 0, chosen do
    local waits, passed = num(all[priority + 1] or 0) > 0, num(all[priority + 11] or 0)
    if priority == chosen or not waits then
      if passed ~= 0 then call('HSET', G(g), 'p' .. priority, 0) end
    else
      call('HINCRBY', G(g), 'p' .. priority, 1)
    end
  end
  return chosen
end

local function delivery_of(g, id)
  local m = call('HMGET', M(id), g .. 't', g .. 'a', 'key', 'body')
  return {'ok', num(g), num(id), num(m[1]), num(m[2]), num(call('HGET', G(g), 'lease')), m[3], m[4]}
end

if op == 'receive' then  -- name of the group, consumer, number of the request
  local g = call('HGET', P .. 'groups', ARGV[2])
  if not g then return {'group'} end
  local asked = ARGV[3] .. ' ' .. ARGV[4]
  local given = call('HGET', P .. 'q:' .. g, asked)
  if given then return delivery_of(g, given) end  -- the reply to it was lost
  turn_due(g)
  if call('HGET', G(g), 'paused') == '1' then return done({'none', num(g), -1}) end
  for priority in function() return pick(g) end do
    local read = call('XREADGROUP', 'GROUP', 'g', ARGV[3], 'COUNT', 1, 'STREAMS', ready(g, priority), '>')
    if not read then return redis.error_reply('braid: ' .. ready(g, priority) .. ' has lost an entry') end
    local id = read[1][2][1][2][2]
    local attempts = call('HGET', M(id), g .. 'a')
    if num(attempts) >= num(call('HGET', G(g), 'attempts')) then
      call('HINCRBY', G(g), 'buried', 1)
      change(g, id, 'x')
    else
      local token = call('HINCRBY', P .. 'meta', 'tokens', 1)
      call('HINCRBY', M(id), g .. 'a', 1)
      call('HSET', M(id), g .. 't', token, g .. 'q', asked)
      call('HSET', P .. 'q:' .. g, asked, id)
      call('HINCRBY', G(g), 'deliveries', 1)
      change(g, id, 'l', now + call('HGET', G(g), 'lease'))
      return done(delivery_of(g, id))
    end
  end
  local next = -1
  for _, which in ipairs({'d:', 't:'}) do
    local first = call('ZRANGE', P .. which .. g, 0, 0, 'WITHSCORES')[2]
    if first and (next < 0 or num(first) - now < next) then next = math.max(0, num(first) - now) end
  end
  return done({'none', num(g), next})
end

if op == 'outcome' then  -- what, group, id, token; a time; a reason
  local g, id = ARGV[3], ARGV[4]
  if not is_held(g, id, ARGV[5]) then return {'stale'} end
  local time = num(ARGV[6])
  if ARGV[2] == 'ack' then acknowledge(g, id) end
  if ARGV[2] == 'nack' then fail(g, id, 1, ARGV[7], time > 0 and 'd' or 'r', now + time) end
  if ARGV[2] == 'drop' then fail(g, id, 3, '', 'r') end
  if ARGV[2] == 'extend' then call('ZADD', P .. 't:' .. g, now + time, id) end
  if ARGV[2] == 'return' then
    call('HINCRBY', M(id), g .. 'a', -1)
    change(g, id, 'r')
  end
  return done({'ok'})
end

-- Removes a consumer from the streams where it owns nothing; without a name, all that were idle for an hour.
if op == 'leave' then
  for g = 1, call('HLEN', P .. 'groups') do
    for priority = 0, 9 do
      for _, each in ipairs(call('XINFO', 'CONSUMERS', ready(g, priority), 'g')) do
        local name, pending, idle = each[2], each[4], each[6]
        if pending == 0 and (name == ARGV[2] or (ARGV[2] == '' and idle > 3600000)) then
          call('XGROUP', 'DELCONSUMER', ready(g, priority), 'g', name)
        end
      end
    end
  end
  return {'ok'}
end

-- ---- dead letters

local function letters(g, from, to)
  return call('ZRANGEBYSCORE', P .. 'x:' .. g, from, to, 'WITHSCORES', 'LIMIT', 0, 100)
end

if op == 'dead' then  -- name of the group, the first
  local g = call('HGET', P .. 'groups', ARGV[2])
  if not g then return {'group'} end
  turn_due(g)
  local found, all, next = letters(g, ARGV[3], '+inf'), {}, -1
  for at = 1, #found, 2 do
    local id = found[at]
    local m = call('HMGET', M(id), 'key', 'at', g .. 'a', g .. 'n')
    all[#all + 1] = {num(id), m[1], call('HSTRLEN', M(id), 'body'), num(m[2]), num(m[3]),
                     m[4] and cmsgpack.unpack(m[4]) or {}}
    next = num(found[at + 1]) + 1
  end
  return done({'ok', all, #found == 200 and next or -1})
end

-- name of the group, 1 if it purges, at most so many, the last death or '', the first; id, key, reason
if op == 'bury' then
  local g = call('HGET', P .. 'groups', ARGV[2])
  if not g then return {'group'} end
  local last = ARGV[5] ~= '' and ARGV[5] or (call('HGET', P .. 'meta', 'deaths') or '0')
  local found, handled, next = letters(g, ARGV[6], last), 0, num(ARGV[6])
  local finished = #found < 200
  for at = 1, #found, 2 do
    if handled == num(ARGV[4]) then
      finished = false
      break
    end
    local id = found[at]
    local m = call('HMGET', M(id), 'key', g .. 'n')
    local takes = ARGV[9] == ''
    for _, each in ipairs(m[2] and cmsgpack.unpack(m[2]) or {}) do
      takes = takes or string.find(each[4], ARGV[9], 1, true) ~= nil
    end
    if ARGV[7] ~= '0' and ARGV[7] ~= id or ARGV[8] ~= '' and ARGV[8] ~= m[1] then takes = false end
    if takes then
      handled = handled + 1
      if ARGV[3] == '1' then
        change(g, id, false)
      else
        call('HSET', M(id), g .. 'a', 0)
        call('HDEL', M(id), g .. 'n')
        change(g, id, 'r')
      end
    end
    next = num(found[at + 1]) + 1
  end
  return done({'ok', handled, num(last), finished and -1 or next})
end

-- ---- what it shows

if op == 'metrics' then
  local groups = {}
  for g = 1, call('HLEN', P .. 'groups') do
    turn_due(g)
    local oldest, age = call('ZRANGE', P .. 'o:' .. g, 0, 0)[1], -1
    if oldest then age = math.max(0, now - num(call('HGET', M(oldest), 'at'))) end
    local seen = call('HMGET', G(g), 'r', 'd', 'l', 'x', 'deliveries', 'acknowledged', 'failures', 'stale',
                      'buried')
    for at = 1, #seen do seen[at] = num(seen[at] or 0) end
    local progress = call('HGET', G(g), 'progress')
    groups[g] = {call('HGET', G(g), 'name'), seen, age, progress and math.max(0, now - progress) or -1}
  end
  local meta = call('HMGET', P .. 'meta', 'messages', 'bytes', 'sent', 'duplicates')
  for at = 1, #meta do meta[at] = num(meta[at] or 0) end
  return done({'ok', meta, groups})
end

-- Looks at each message: nothing if all is as it must be, else what is not.
if op == 'check' then
  local messages, bytes = {}, 0
  for g = 1, call('HLEN', P .. 'groups') do
    local counts, listed = {r = 0, d = 0, l = 0, x = 0}, {}
    for priority = 0, 9 do
      listed[priority] = 0
      for _, entry in ipairs(call('XRANGE', ready(g, priority), '-', '+')) do
        local m = call('HMGET', M(entry[2][2]), g .. 'e', g .. 's', 'priority')
        if m[1] ~= entry[1] or num(m[3]) ~= priority then return {'wrong', 'an entry without its message'} end
        if m[2] == 'r' then listed[priority] = listed[priority] + 1 end
      end
      local n = num(call('HGET', G(g), 'n' .. priority) or 0)
      if n ~= listed[priority] then return {'wrong', 'listed messages are miscounted'} end
    end
    for _, id in ipairs(call('ZRANGE', P .. 'o:' .. g, 0, -1)) do
      local m = call('HMGET', M(id), g .. 's', 'key', g .. 'e', g .. 'q')
      local state, keyed = m[1], m[2] ~= ''
      if not state or not counts[state] then return {'wrong', 'message ' .. id .. ' has no state'} end
      counts[state] = counts[state] + 1
      local places = {d = call('ZSCORE', P .. 'd:' .. g, id), l = call('ZSCORE', P .. 't:' .. g, id),
                      x = call('ZSCORE', P .. 'x:' .. g, id)}
      for _, each in ipairs({'d', 'l', 'x'}) do
        if (state == each) ~= (places[each] and true or false) then
          return {'wrong', 'message ' .. id .. ' is ' .. state .. ', and its place says something else'}
        end
      end
      local has_entry = state == 'l' or state == 'r' and not keyed
      if keyed and state == 'r' then has_entry = call('HGET', P .. 'h:' .. g, m[2]) == id end
      if has_entry ~= (m[3] and true or false) then return {'wrong', 'a wrong entry: message ' .. id} end
      if not messages[id] then bytes = bytes + call('HSTRLEN', M(id), 'body') end
      messages[id] = true
      if keyed then
        local first = call('ZRANGE', P .. 'l:' .. g .. ':' .. m[2], 0, 0)[1]
        local leased = num(call('HGET', P .. 'k:' .. g, m[2]) or 0)
        if first == id and state == 'r' and not m[3] and leased < num(call('HGET', G(g), 'limit')) then
          return {'wrong', 'the head of a key is never delivered: message ' .. id}
        end
      end
    end
    for state, n in pairs(counts) do
      if n ~= num(call('HGET', G(g), state) or 0) then return {'wrong', 'miscounted: ' .. state} end
    end
    if call('HLEN', P .. 'q:' .. g) ~= counts.l then return {'wrong', 'a request of a delivery is left'} end
  end
  local count = 0
  for _ in pairs(messages) do count = count + 1 end
  local meta = call('HMGET', P .. 'meta', 'messages', 'bytes')
  if num(meta[1] or 0) ~= count or num(meta[2] or 0) ~= bytes then return {'wrong', 'miscounted'} end
  return {'ok'}
end

return redis.error_reply('braid: no step ' .. op)
)lua";

}  // namespace braid::redis::detail
