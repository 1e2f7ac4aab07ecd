import { inspect } from 'node:util';
import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import { BoxAuth } from '../../../lib/box/box-auth.js';
import { FakeRuntime } from '../../support/fake-runtime.js';
import { thrownBy } from '../../support/thrown.js';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const SECRET = 'sEcReTsEcReTsEcReTsEcReTsEcReT12';

interface Given {
  readonly accessToken: string;
  readonly expiresAt?: number;
}

let runtime: FakeRuntime;
let calls: number;
/** The next result of the function. */
let next: () => unknown;
let auth: BoxAuth;

/** A new token at each call. */
const grant = (lifetimeMs?: number) => () => ({
  accessToken: `token-${calls}`,
  ...(lifetimeMs === undefined ? {} : { expiresAt: runtime.now() + lifetimeMs }),
});

beforeEach(() => {
  runtime = new FakeRuntime();
  calls = 0;
  next = grant(HOUR);
  auth = new BoxAuth({
    credentials: async () => {
      calls += 1;
      return next() as Given;
    },
    fetch: () => Promise.reject(new Error('there is no token request')),
    runtime,
  });
});

const get = () => auth.provider.getToken();
const value = async () => (await get()).value;

describe('A credentials function that returns an access token', () => {
  it('is called once for 100 concurrent callers', async () => {
    const tokens = await Promise.all(Array.from({ length: 100 }, value));
    expect(new Set(tokens)).toEqual(new Set(['token-1']));
    expect(calls).toBe(1);
  });

  it('is not called again for the first token when it was called at bootstrap', async () => {
    await auth.readCredentials();
    await expect(value()).resolves.toBe('token-1');
    expect(calls).toBe(1);
  });

  it('is called again if the token of bootstrap has expired unused', async () => {
    await auth.readCredentials();
    await runtime.advance(HOUR);
    await expect(value()).resolves.toBe('token-2');
  });

  it('is called ahead of expiry, in the background', async () => {
    expect((await get()).expiresAt).toBe(runtime.now() + HOUR);
    await runtime.advance(48 * MINUTE);
    await expect(value()).resolves.toBe('token-1');
    expect(calls).toBe(1);
    await runtime.advance(MINUTE);
    await expect(value()).resolves.toBe('token-1');
    await expect(value()).resolves.toBe('token-2');
    expect(calls).toBe(2);
  });

  it('is called a few times at most if it returns the same token until that expires', async () => {
    const fixed = grant(HOUR)();
    next = () => fixed;
    for (let second = 0; second < 3600; second++) {
      await expect(value()).resolves.toBe('token-0');
      await runtime.advance(1_000);
    }
    expect(calls).toBeLessThan(12);
    expect((await thrownBy(get)).code).toBe('token_invalid');
  });

  it('leaves the old token in use while it fails', async () => {
    await get();
    await runtime.advance(51 * MINUTE);
    next = () => Promise.reject(new Error('the gateway is down'));
    await expect(value()).resolves.toBe('token-1');
    await runtime.advance(1);
    await expect(value()).resolves.toBe('token-1');
    await runtime.advance(8.9 * MINUTE);
    await expect(value()).resolves.toBe('token-1');
    await runtime.advance(MINUTE);
    expect(await thrownBy(get)).toMatchObject({ code: 'credentials_unavailable', retryable: true });
  });

  it('is called at once when the token is refused, with any expiry', async () => {
    for (const lifetimeMs of [undefined, HOUR]) {
      next = grant(lifetimeMs);
      auth.provider.flush();
      const token = await get();
      auth.provider.invalidate(token);
      await runtime.advance(11_000);
      await expect(value()).resolves.not.toBe(token.value);
    }
    expect(calls).toBe(4);
  });

  it('keeps a token without expiry until it is refused', async () => {
    next = grant();
    await get();
    await runtime.advance(1_000 * HOUR);
    await expect(value()).resolves.toBe('token-1');
    expect(calls).toBe(1);
  });

  it('is called after a flush, even if its token is still valid', async () => {
    await get();
    auth.provider.flush();
    await expect(value()).resolves.toBe('token-2');
  });

  it('is not called for other subjects or for a revocation', async () => {
    await get();
    for (let id = 1; id <= 100; id++) {
      const subject = { type: 'user', id: String(id) } as const;
      const error = await thrownBy(() => auth.provider.getToken({ subject }));
      expect(error.code).toBe('subject_unsupported');
    }
    const error = await thrownBy(() => auth.provider.revoke());
    expect(error).toMatchObject({ code: 'revocation_unsupported' });
    expect(error.hint).toBe('Revoke it where it was issued.');
    expect(calls).toBe(1);
  });

  it('may return key credentials later', async () => {
    const token = await get();
    next = () => ({ clientId: 'client', clientSecret: SECRET, enterpriseId: '1' });
    auth.provider.invalidate(token);
    const error = thrownBy(get);
    await runtime.advance(MINUTE);
    expect((await error).code).toBe('network');
  });
});

describe('A credentials function that returns nothing usable', () => {
  const useless: [string, string, () => unknown][] = [
    ['the token that was refused', 'token_invalid', () => ({ accessToken: 'token-1' })],
    [
      'a token that has expired',
      'token_invalid',
      () => ({ accessToken: 'old', expiresAt: runtime.now() - 1 }),
    ],
    ['a refused developer token', 'developer_token_expired', () => ({ developerToken: 'token-1' })],
    ['a token with a newline', 'config_invalid', () => ({ accessToken: `a\n${SECRET}` })],
    ['seconds', 'config_invalid', () => ({ accessToken: SECRET, expiresAt: 1_772_366_400 })],
    ['an error of the gateway', 'config_invalid', () => ({ error: `not for ${SECRET}` })],
    ['null', 'config_invalid', () => null],
    ['undefined', 'credentials_unavailable', () => undefined],
    [
      'a property that throws',
      'config_invalid',
      () => ({
        get accessToken() {
          throw new TypeError(`client_secret=${SECRET}`);
        },
      }),
    ],
    [
      'a rejection',
      'credentials_unavailable',
      () => Promise.reject(new Error(`gateway said no to access_token=${SECRET}`)),
    ],
  ];

  it.each(useless)('is called after pauses, not at every request: %s', async (_, code, give) => {
    const token = await get();
    auth.provider.invalidate(token);
    next = give;
    const first = await thrownBy(get);
    expect(first).toMatchObject({ code, retryable: true });
    const errors = await Promise.all(Array.from({ length: 100 }, () => thrownBy(get)));
    for (const error of errors) {
      expect(error.code).toBe(code);
      expect(error.retryAfterMs).toBeGreaterThan(0);
      expect(inspect(error, { depth: 9 })).not.toContain(SECRET);
    }
    expect(calls).toBe(2);
    for (let minute = 0; minute < 10; minute++) {
      await runtime.advance(MINUTE);
      await thrownBy(get);
    }
    expect(calls).toBeLessThanOrEqual(12);
    next = grant(HOUR);
    await runtime.advance(MINUTE);
    await expect(value()).resolves.toMatch(/^token-/);
  });
});

describe('A fixed token', () => {
  it('is used until it expires, and then its error says that it cannot be refreshed', async () => {
    auth = new BoxAuth({
      credentials: { accessToken: 'fixed', expiresAt: runtime.now() + HOUR },
      runtime,
    });
    await runtime.advance(HOUR - 6_000);
    await expect(value()).resolves.toBe('fixed');
    await runtime.advance(6_000);
    const error = await thrownBy(get);
    expect(error).toMatchObject({ code: 'token_invalid', retryable: false });
    expect(error.hint).toContain('cannot be refreshed');
  });

  it('is replaced by the next in the list once it is refused', async () => {
    auth = new BoxAuth({
      credentials: [{ appToken: 'primary' }, { appToken: 'secondary' }],
      runtime,
    });
    const primary = await get();
    expect(primary.value).toBe('primary');
    auth.provider.invalidate(primary);
    await expect(value()).resolves.toBe('secondary');
    await runtime.advance(1_000 * HOUR);
    await expect(value()).resolves.toBe('secondary');
  });
});

describe('For any results of a credentials function at any time', () => {
  const gave = fc.oneof(
    { weight: 3, arbitrary: fc.record({ lifetimeMs: fc.integer({ min: 1, max: HOUR }) }) },
    fc.constantFrom('rejects' as const, 'same' as const, 'expired' as const, 'nonsense' as const),
  );
  const step = fc.oneof(
    fc.record({ waitMs: fc.integer({ min: 0, max: 30 * MINUTE }) }),
    fc.record({ callers: fc.integer({ min: 1, max: 20 }) }),
    fc.constant('refuse' as const),
  );

  it('no expired token is returned, calls do not overlap, and failures cause pauses', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(gave, fc.integer({ min: 0, max: 5_000 })), { minLength: 1 }),
        fc.array(step, { minLength: 1, maxLength: 40 }),
        async (script, steps) => {
          const clock = new FakeRuntime();
          const overlapping: number[] = [];
          const pauses: number[] = [];
          let turn = 0;
          let running = 0;
          let failedAt = -Infinity;
          let last: Given = { accessToken: 'first', expiresAt: clock.now() + HOUR };
          const box = new BoxAuth({
            runtime: clock,
            credentials: async () => {
              overlapping.push(++running);
              pauses.push(clock.monotonic() - failedAt);
              const [what, latencyMs] = script[turn++ % script.length] ?? ['same', 0];
              await new Promise<void>((resolve) => {
                clock.schedule(resolve, latencyMs);
              });
              running -= 1;
              if (typeof what === 'object') {
                last = { accessToken: `t${turn}`, expiresAt: clock.now() + what.lifetimeMs };
              }
              if (what === 'rejects') throw new Error('no');
              if (what === 'expired') return { accessToken: 'old', expiresAt: clock.now() };
              return what === 'nonsense' ? ({} as Given) : last;
            },
          });
          box.events.subscribe((event) => {
            if ('outcome' in event && event.outcome === 'failed') failedAt = clock.monotonic();
          });
          const take = async () => {
            const token = await box.provider.getToken().catch(() => undefined);
            if (token === undefined) return;
            expect(token.expiresAt).toBeGreaterThan(clock.now());
          };
          for (const one of steps) {
            const held = box.provider.peekToken();
            if (one === 'refuse') {
              if (held !== undefined) box.provider.invalidate(held);
            } else if ('waitMs' in one) {
              await clock.advance(one.waitMs);
            } else {
              const waiting = Promise.all(Array.from({ length: one.callers }, take));
              await clock.advance(6_000);
              await waiting;
            }
          }
          box.close();
          expect(Math.max(1, ...overlapping)).toBe(1);
          expect(Math.min(...pauses)).toBeGreaterThanOrEqual(1_000);
        },
      ),
      { numRuns: 150 },
    );
  });
});
