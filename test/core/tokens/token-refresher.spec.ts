import { beforeEach, describe, expect, it } from 'vitest';
import { BoxAuthError } from 'nestjs-box-auth';
import { AccessToken, type MintedToken } from '../../../lib/core/token-endpoint/access-token.js';
import type { AuthEvent } from '../../../lib/core/events/auth-events.js';
import type { PreviousTokens } from '../../../lib/core/token-endpoint/access-token.js';
import { renewalDefaults } from '../../../lib/core/tokens/renewal.options.js';
import { TokenRefresher } from '../../../lib/core/tokens/token-refresher.js';
import { FakeRuntime, settled } from '../../support/fake-runtime.js';
import { thrownBy } from '../../support/thrown.js';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

let runtime: FakeRuntime;
/** The previous tokens that each request received. */
let mints: PreviousTokens[];
let cached: AccessToken[];
let events: AuthEvent[];
/** Responses to the next requests, instead of a token that lives an hour. */
let script: ((granted: MintedToken, signal: AbortSignal) => Promise<MintedToken>)[];
let refresher: TokenRefresher;
beforeEach(() => {
  runtime = new FakeRuntime();
  runtime.randomValue = 0;
  mints = [];
  cached = [];
  events = [];
  script = [];
  const subject = { type: 'user', id: '1' } as const;
  refresher = new TokenRefresher(subject, {
    source: {
      defaultSubject: undefined,
      forgetRefusals: () => undefined,
      mint: async (_, previous, signal) => {
        mints.push(previous);
        const granted: MintedToken = {
          token: new AccessToken(`token-${mints.length}`, { subject }),
          lifetimeMs: HOUR,
          requestedAt: { wall: runtime.now(), monotonic: runtime.monotonic() },
          isShared: false,
        };
        const respond = script.shift() ?? granting;
        await Promise.resolve(); // no request gets its response at once
        return respond(granted, signal);
      },
      findNewer: () => Promise.resolve(undefined),
    },
    run: (_, mint) => mint(),
    onToken: (token) => cached.push(token),
    emit: (event) => events.push(event),
    options: renewalDefaults,
    runtime,
  });
});

const granting = (granted: MintedToken) => Promise.resolve(granted);
const never = () => new Promise<never>(() => undefined);
const failure = (retryable: boolean) => () =>
  Promise.reject(
    new BoxAuthError({
      code: retryable ? 'unavailable' : 'app_not_authorized',
      message: 'No token.',
      hint: 'Wait.',
      docs: 'https://example.com/',
      retryable,
    }),
  );
/** The response as a machine receives it that slept for two hours. */
const expired = (granted: MintedToken) =>
  granting({ ...granted, requestedAt: { ...granted.requestedAt, wall: runtime.now() - 2 * HOUR } });

describe('A cached token', () => {
  it('is fresh until a refresh is due, and usable until it expires', async () => {
    expect(refresher.peekFresh()).toBeUndefined();
    expect(refresher.usableToken).toBeUndefined();
    expect(refresher.refreshInMs).toBe(0);
    const token = await refresher.get();
    expect(refresher.peekFresh()).toBe(token);
    expect(refresher.usableToken).toBe(token);
    expect(refresher.refreshInMs).toBe(50 * MINUTE);
    await runtime.advance(50 * MINUTE);
    expect(refresher.peekFresh()).toBeUndefined();
    expect(refresher.usableToken).toBe(token);
    expect(refresher.refreshInMs).toBe(0);
    await runtime.advance(10 * MINUTE);
    expect(refresher.usableToken).toBeUndefined();
    expect(refresher.refreshInMs).toBe(0);
  });

  it('is fresh for a caller if it lives as long as the caller demands', async () => {
    const token = await refresher.get();
    await runtime.advance(20 * MINUTE);
    expect(refresher.peekFresh(40 * MINUTE)).toBe(token);
    expect(refresher.peekFresh(40 * MINUTE + 1)).toBeUndefined();
    await runtime.advance(30 * MINUTE);
    expect(refresher.peekFresh(MINUTE)).toBeUndefined();
  });

  it('is not affected when another token is invalidated or dropped', async () => {
    const token = await refresher.get();
    const other = new AccessToken('another', { subject: token.subject });
    expect(refresher.holds(token)).toBe(true);
    expect(refresher.holds(other)).toBe(false);
    refresher.drop(other);
    refresher.invalidate(other);
    expect(refresher.usableToken).toBe(token);
    refresher.drop(token);
    expect(refresher.usableToken).toBeUndefined();
    expect(refresher.holds(token)).toBe(false);
  });

  it('stays when a token that it replaced long ago is refused again', async () => {
    const old = await refresher.get();
    const current = await refresher.replace(old, {});
    await runtime.advance(MINUTE);
    refresher.invalidate(old);
    expect(refresher.usableToken).toBe(current);
    expect(await refresher.replace(old, {})).toBe(current);
    expect(mints).toHaveLength(2);
  });

  it('is requested with the refused token or the current one', async () => {
    const first = await refresher.get();
    const second = await refresher.replace(first, {});
    await runtime.advance(50 * MINUTE);
    refresher.refreshIfDue();
    await settled();
    expect(mints).toEqual([
      { refused: undefined, current: undefined },
      { refused: first, current: undefined },
      { refused: undefined, current: second },
    ]);
    expect(cached.map(({ value }) => value)).toEqual(['token-1', 'token-2', 'token-3']);
  });
});

describe('A replacement that is refused as well', () => {
  it('stays for the rest of 10 s, and the error states how long and what to check', async () => {
    const second = await refresher.replace(await refresher.get(), {});
    await runtime.advance(4_000);
    const error = await thrownBy(() => refresher.replace(second, {}));
    expect(error).toMatchObject({
      code: 'token_refused_again',
      retryable: true,
      retryAfterMs: 6_000,
    });
    expect(error.message).toContain(second.fingerprint);
    expect(error.message).toContain('less than 10 s after it was requested');
    expect(error.hint).toMatch(/app was disabled.*header that contains the token/);
    expect(error.docs).toContain('rfc6750');
    await runtime.advance(6_000);
    expect(await refresher.replace(second, {})).not.toBe(second);
  });

  it('is replaced at once after the refresher has forgotten everything', async () => {
    await refresher.replace(await refresher.get(), {});
    refresher.forget();
    const third = await refresher.get();
    expect((await refresher.replace(third, {})).value).toBe('token-4');
    expect(mints[2]).toEqual({ refused: undefined, current: undefined });
  });
});

describe('A token that expired before it arrived', () => {
  it('is requested once more', async () => {
    script = [expired];
    expect((await refresher.get()).value).toBe('token-2');
    expect(cached.map(({ value }) => value)).toEqual(['token-2']);
    expect(mints).toHaveLength(2);
  });

  it('fails at the second time, and the error states possible reasons', async () => {
    script = [expired, expired];
    const error = await thrownBy(() => refresher.get());
    expect(error).toMatchObject({ code: 'expired_on_arrival', retryable: true });
    expect(error.message).toMatch(/token \S{12} had expired/);
    expect(error.hint).toMatch(/slept.*clock/);
    expect(error.docs).toContain('rfc6749');
    expect(cached).toEqual([]);
    expect(mints).toHaveLength(2);
  });

  it('is the only failure that is retried at once', async () => {
    script = [failure(true)];
    expect((await thrownBy(() => refresher.get())).code).toBe('unavailable');
    expect(mints).toHaveLength(1);
  });
});

describe('A caller that needs a long-lived token', () => {
  /** The response of a store: a token that was requested half an hour ago. */
  const halfSpent = (granted: MintedToken) => {
    const { wall, monotonic } = granted.requestedAt;
    return granting({
      ...granted,
      requestedAt: { wall: wall - HOUR / 2, monotonic: monotonic - HOUR / 2 },
    });
  };

  it('causes a second request if the token does not live long enough', async () => {
    script = [halfSpent];
    expect((await refresher.get({ minValidityMs: 40 * MINUTE })).value).toBe('token-2');
    expect(mints).toHaveLength(2);
  });

  it('causes no second request if the token lives long enough', async () => {
    script = [halfSpent];
    expect((await refresher.get({ minValidityMs: 20 * MINUTE })).value).toBe('token-1');
    expect(mints).toHaveLength(1);
  });

  it('accepts the second token in any case', async () => {
    script = [halfSpent, halfSpent];
    expect((await refresher.get({ minValidityMs: 40 * MINUTE })).value).toBe('token-2');
    expect(mints).toHaveLength(2);
  });
});

describe('A background refresh', () => {
  const cachedUntilRefresh = async () => {
    const token = await refresher.get();
    await runtime.advance(50 * MINUTE);
    return token;
  };

  it('is shared by all callers while it runs', async () => {
    const old = await cachedUntilRefresh();
    script = [never];
    for (let call = 0; call < 5; call++) {
      refresher.refreshIfDue();
      expect(await refresher.get()).toBe(old);
    }
    expect(mints).toHaveLength(2);
  });

  it.each([
    ['is transient', true],
    ['is permanent', false],
  ])('is not retried within the pause if its failure %s', async (_, retryable) => {
    const old = await cachedUntilRefresh();
    script = [failure(retryable)];
    for (let call = 0; call < 5; call++) {
      refresher.refreshIfDue();
      expect(await refresher.get()).toBe(old);
      await settled();
    }
    expect(mints).toHaveLength(2);
    await runtime.advance(1_000);
    refresher.refreshIfDue();
    await settled();
    expect(refresher.peekFresh()?.value).toBe('token-3');
  });

  it('resets the failures when it succeeds: the next failure counts as the first', async () => {
    await cachedUntilRefresh();
    script = [failure(true)];
    refresher.refreshIfDue();
    await settled();
    expect(refresher.failure?.since).toBe(runtime.now());
    await runtime.advance(1_000);
    refresher.refreshIfDue();
    await settled();
    expect(refresher.failure).toBeUndefined();
    await runtime.advance(HOUR);
    script = [failure(true)];
    expect((await thrownBy(() => refresher.get())).message).not.toContain('since');
  });

  it('does not start while the token is fresh', async () => {
    await refresher.get();
    refresher.refreshIfDue();
    expect(mints).toHaveLength(1);
  });
});

describe('An abandoned token request', () => {
  it('does not replace its successor, even if that starts while the first one ends', async () => {
    let next: Promise<AccessToken> | undefined;
    // A listener of the abort may request a token at once.
    script = [
      (_, signal) => {
        signal.addEventListener('abort', () => {
          next = refresher.get();
        });
        return never();
      },
      never,
    ];
    const first = refresher.get();
    await settled();
    refresher.forget();
    await settled();
    expect(next).toBeDefined();
    expect(mints).toHaveLength(2);
    // All callers wait for the same request now.
    void first.catch(() => undefined);
    void refresher.get();
    await settled();
    expect(mints).toHaveLength(2);
  });
});
