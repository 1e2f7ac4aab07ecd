import { type RedisScript, redisScript } from './redis-script.js';

/** The version of the layout of a stored token: `version:fence:lifetimeMs:sealed`. */
export const TOKEN_LAYOUT = '1';

/** The longest time that a failure in one process pauses the others. */
export const MAX_PAUSE_MS = 600_000;

const HOUR_MS = 3_600_000;

/**
 * The functions that all scripts share. Every key is in KEYS and has the same hash tag. Numbers are compared as numbers (exact
 * up to 2^53) and written with `%.0f`, because Lua's own `tostring` would round a fence. Our numbers never exceed 10^14.
 */
const PRELUDE = `
local TOKEN, LEASE, PAUSE, FENCE = KEYS[1], KEYS[2], KEYS[3], KEYS[4]

-- Returns the value of a key and its remaining milliseconds. For a foreign value (another type or no expiry): nil, true.
local function read(key)
  local value = redis.pcall('GET', key)
  if not value then return nil, false end
  -- Repeats a command that failed for another reason, so that its error ends the script.
  if type(value) == 'table' and not string.find(value.err, 'WRONGTYPE', 1, true) then redis.call('GET', key) end
  local left = redis.call('PTTL', key)
  if type(value) ~= 'string' or left < 0 then return nil, true end
  return value, left
end

local function numberIn(digits)
  local number = digits and #digits <= 15 and tonumber(digits) or nil
  return number and number <= 1e14 and number or nil
end

-- Returns the fence of the token, with its lifetime, age and seal. Without a token: nil, and whether there is a foreign value.
local function readToken()
  local value, left = read(TOKEN)
  if not value then return nil, left end
  local fence, life, sealed = string.match(value, '^${TOKEN_LAYOUT}:(%d+):(%d+):(.+)$')
  -- More time left than its lifetime: another client has extended it.
  if not numberIn(fence) or left > (numberIn(life) or 0) then return nil, true end
  return fence, { life = life, age = tonumber(life) - left, sealed = sealed }
end

local function readLease()
  local value = read(LEASE)
  if not value then return nil end
  local fence, owner = string.match(value, '^(%d+):(.*)$')
  return numberIn(fence), owner
end

local function timeMs()
  local time = redis.call('TIME')
  return tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
end

local function lastFence()
  return numberIn(string.match(read(FENCE) or '', '^%d+$')) or 0
end

-- Outlives lease and token, so that the next fence is higher even within a millisecond or after the clock is set back.
local function rememberFence(fence)
  redis.call('SET', FENCE, string.format('%.0f', fence), 'PX', ${HOUR_MS})
end
`;

/** Returns the stored token and its remaining milliseconds, or nothing. KEYS: the token. Takes half as long as a claim. */
export const readScript = redisScript(`
local value = redis.pcall('GET', KEYS[1])
if type(value) ~= 'string' then return {} end
return { value, redis.call('PTTL', KEYS[1]) }
`);

/** ARGV: owner, leaseMs, newerThan. */
export const claimScript = script(`
local owner, leaseMs, newerThan = ARGV[1], ARGV[2], tonumber(ARGV[3])

local tokenFence, token = readToken()
if tokenFence and tonumber(tokenFence) > newerThan then
  return { 'token', tokenFence, token.life, string.format('%.0f', token.age), token.sealed }
end
local skipped = (not tokenFence and token) and '1' or '0'

local reason, left = read(PAUSE)
if reason and left > 0 and left <= ${MAX_PAUSE_MS} then
  return { 'paused', skipped, string.format('%.0f', left), reason }
end

local fence, leaseOwner = readLease()
if fence and leaseOwner ~= owner then return { 'leased', skipped } end
if not fence then
  fence = math.max(tonumber(tokenFence or 0) + 1, lastFence() + 1, newerThan + 1, timeMs())
  rememberFence(fence)
end
redis.call('SET', LEASE, string.format('%.0f', fence) .. ':' .. owner, 'PX', leaseMs)
return { 'claimed', skipped, string.format('%.0f', fence) }
`);

/** ARGV: fence, lifetime of the token in ms, its age in ms when this was sent, the stored token. */
export const publishScript = script(`
local fence, life, age, token = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), ARGV[4]

local tokenFence = readToken()
if tokenFence and tonumber(tokenFence) > fence then return { 'older' } end

-- A delayed command makes the token older than its age says, but not older than its claim, whose time is the fence.
local sinceClaim = timeMs() - fence
if sinceClaim > age then age = sinceClaim end
local keepMs = life - age

-- Commands that need memory come first: if Redis has none left, the script ends here with nothing half done.
if fence > lastFence() then rememberFence(fence) end
if keepMs > 0 then redis.call('SET', TOKEN, token, 'PX', string.format('%.0f', keepMs)) end
redis.call('DEL', PAUSE)
local leaseFence = readLease()
if leaseFence and leaseFence <= fence then redis.call('DEL', LEASE) end
return { 'done' }
`);

/** ARGV: fence. */
export const invalidateScript = script(`
local tokenFence = readToken()
if tokenFence and tonumber(tokenFence) <= tonumber(ARGV[1]) then redis.call('DEL', TOKEN) end
return { 'done' }
`);

/** ARGV: owner, pauseMs, the sealed reason. */
export const failScript = script(`
local owner, pauseMs, reason = ARGV[1], tonumber(ARGV[2]), ARGV[3]

local fence, leaseOwner = readLease()
if not fence or leaseOwner ~= owner then return { 'done' } end
if pauseMs > 0 then redis.call('SET', PAUSE, reason, 'PX', ARGV[2]) end
redis.call('DEL', LEASE)
return { 'done' }
`);

function script(body: string): RedisScript {
  return redisScript(`${PRELUDE}${body}`);
}
