import { describe, expect, it } from 'vitest';
import { BoxAuth } from '../../../lib/box/box-auth.js';
import { FakeRuntime } from '../../support/fake-runtime.js';
import { ScriptedEndpoint } from '../../support/scripted-endpoint.js';

const LIMIT = 1_000;
const MINUTE_MS = 60_000;

/** Returns the seconds of `Retry-After`, or undefined if the request is accepted. */
type Limiter = (now: number) => number | undefined;

const fixedWindow = (): Limiter => {
  let window = -1;
  let used = 0;
  return (now) => {
    const current = Math.floor(now / MINUTE_MS);
    if (current !== window) [window, used] = [current, 0];
    if (used >= LIMIT) return Math.ceil(((current + 1) * MINUTE_MS - now) / 1_000);
    used += 1;
    return undefined;
  };
};

const slidingWindow = (): Limiter => {
  const accepted: number[] = [];
  return (now) => {
    while (accepted[0] !== undefined && accepted[0] <= now - MINUTE_MS) accepted.shift();
    if (accepted.length >= LIMIT) return Math.ceil(((accepted[0] ?? 0) + MINUTE_MS - now) / 1_000);
    accepted.push(now);
    return undefined;
  };
};

const tokenBucket = (size: number): Limiter => {
  let tokens = size;
  let filledAt = 0;
  return (now) => {
    tokens = Math.min(tokens + ((now - filledAt) * LIMIT) / MINUTE_MS, size);
    filledAt = now;
    if (tokens < 1) return 1;
    tokens -= 1;
    return undefined;
  };
};

interface Simulation {
  readonly sentAt: number[];
  readonly statuses: number[];
  readonly accepted: number;
}

/** 200 callers of one user that call without a pause, for some minutes. Each response takes 100 ms. */
async function simulate(limiter: Limiter, minutes: number, callers = 200): Promise<Simulation> {
  const runtime = new FakeRuntime();
  const endpoint = new ScriptedEndpoint(runtime);
  endpoint.lifetimeS = 36_000;
  let seed = 7;
  runtime.random = () => (seed = (seed * 16_807) % 2_147_483_647) / 2_147_483_647;
  const sentAt: number[] = [];
  const statuses: number[] = [];
  let accepted = 0;
  const begin = runtime.monotonic();
  const box = new BoxAuth({
    credentials: { clientId: 'client', clientSecret: 'secret', enterpriseId: '1' },
    runtime,
    apiRetries: true,
    fetch: async (input, init) => {
      if (String(input).endsWith('/oauth2/token')) return endpoint.fetch(input, init);
      const now = runtime.monotonic() - begin;
      sentAt.push(now);
      const retryAfter = limiter(now);
      await new Promise<void>((resolve) => runtime.schedule(resolve, 80 + 40 * runtime.random()));
      if (retryAfter === undefined) {
        accepted += 1;
        return new Response('{}');
      }
      return new Response('{}', { status: 429, headers: { 'retry-after': String(retryAfter) } });
    },
  });
  await box.provider.getToken();
  const end = new AbortController();
  const running = Array.from({ length: callers }, async () => {
    while (!end.signal.aborted) statuses.push((await box.fetch('/2.0/users/me')).status);
  });
  await runtime.advance(minutes * MINUTE_MS);
  end.abort();
  const result = { sentAt: sentAt.slice(), statuses, accepted };
  await runtime.advance(5 * MINUTE_MS);
  await Promise.all(running);
  box.close();
  return result;
}

/** The most requests in any time of this length. */
function largestBurst(times: readonly number[], lengthMs: number): number {
  let from = 0;
  let largest = 0;
  for (const [to, time] of times.entries()) {
    while ((times[from] ?? 0) <= time - lengthMs) from += 1;
    largest = Math.max(largest, to - from + 1);
  }
  return largest;
}

describe.each([
  ['a fixed window', fixedWindow(), 10, 0],
  ['a sliding window', slidingWindow(), 10, 0],
  ['a token bucket of a minute', tokenBucket(LIMIT), 5, LIMIT],
] as const)('200 callers of one user with %s', (_title, limiter, minutes, burst) => {
  it('send within 5 % of the requests that the limit allows, lose none, and send no burst', async () => {
    const { sentAt, statuses, accepted } = await simulate(limiter, minutes);
    const allowed = minutes * LIMIT + burst;
    expect(sentAt.length).toBeGreaterThan(0.95 * allowed);
    expect(sentAt.length).toBeLessThan(1.05 * allowed);
    expect(accepted).toBeGreaterThan(0.95 * allowed);
    expect(statuses.filter((status) => status !== 200)).toEqual([]);
    const afterFirst429 = sentAt.filter((time) => time > MINUTE_MS);
    expect(largestBurst(afterFirst429, 100)).toBeLessThan(20);
  });
});

it('A small token bucket is not used up by repetitions', async () => {
  const { sentAt, statuses, accepted } = await simulate(tokenBucket(17), 5);
  expect(accepted).toBeGreaterThan(0.9 * 5 * LIMIT);
  expect(sentAt.length).toBeLessThan(1.05 * 5 * LIMIT);
  expect(statuses.filter((status) => status !== 200)).toEqual([]);
});
