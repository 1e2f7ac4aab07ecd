import { beforeEach, describe, expect, it } from 'vitest';
import { BoxAuthError } from 'nestjs-box-auth';
import { AccessToken } from '../../../lib/core/token-endpoint/access-token.js';
import type { AuthEvent } from '../../../lib/core/events/auth-events.js';
import type { MintedToken } from '../../../lib/core/token-endpoint/token-attempts.js';
import type { PreviousTokens } from '../../../lib/core/token-endpoint/token-endpoint.js';
import { renewalDefaults } from '../../../lib/core/tokens/renewal.options.js';
import { TokenRefresher } from '../../../lib/core/tokens/token-refresher.js';
import { FakeRuntime, settled } from '../../support/fake-runtime.js';
import { thrownBy } from '../../support/thrown.js';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

let runtime: FakeRuntime;
/** What each mint was told of the tokens before. */
let mints: PreviousTokens[];
let adopted: AccessToken[];
/** What the next mints do instead of granting a token that lives an hour. */
let events: AuthEvent[];
let script: ((granted: MintedToken, signal: AbortSignal) => Promise<MintedToken>)[];
let renewing: TokenRefresher;
beforeEach(() => {
  runtime = new FakeRuntime();
  runtime.randomValue = 0;
  mints = [];
  adopted = [];
  events = [];
  script = [];
  const subject = { type: 'user', id: '1' } as const;
  renewing = new TokenRefresher(subject, {
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
    onToken: (token) => adopted.push(token),
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
/** As a machine has it that slept over the answer. */
const expired = (granted: MintedToken) =>
  granting({ ...granted, requestedAt: { ...granted.requestedAt, wall: runtime.now() - 2 * HOUR } });

describe('The token of a subject', () => {
  it('is fresh until it is time to renew it, and may be used until it ends', async () => {
    expect(renewing.freshToken).toBeUndefined();
    expect(renewing.usableToken).toBeUndefined();
    expect(renewing.refreshInMs).toBe(0);
    const token = await renewing.get();
    expect(renewing.freshToken).toBe(token);
    expect(renewing.usableToken).toBe(token);
    expect(renewing.refreshInMs).toBe(50 * MINUTE);
    await runtime.advance(50 * MINUTE);
    expect(renewing.freshToken).toBeUndefined();
    expect(renewing.usableToken).toBe(token);
    expect(renewing.refreshInMs).toBe(0);
    await runtime.advance(10 * MINUTE);
    expect(renewing.usableToken).toBeUndefined();
    expect(renewing.refreshInMs).toBe(0);
  });

  it('is told from any other', async () => {
    const token = await renewing.get();
    const other = new AccessToken('another', { subject: token.subject });
    expect(renewing.holds(token)).toBe(true);
    expect(renewing.holds(other)).toBe(false);
    renewing.drop(other);
    renewing.invalidate(other);
    expect(renewing.usableToken).toBe(token);
    renewing.drop(token);
    expect(renewing.usableToken).toBeUndefined();
    expect(renewing.holds(token)).toBe(false);
  });

  it('that was refused long ago does not take the current one with it', async () => {
    const old = await renewing.get();
    const current = await renewing.replace(old, {});
    await runtime.advance(MINUTE);
    renewing.invalidate(old);
    expect(renewing.usableToken).toBe(current);
    expect(await renewing.replace(old, {})).toBe(current);
    expect(mints).toHaveLength(2);
  });

  it('is minted with what is known: which one was refused, which one is there', async () => {
    const first = await renewing.get();
    const second = await renewing.replace(first, {});
    await runtime.advance(50 * MINUTE);
    renewing.refreshIfDue();
    await settled();
    expect(mints).toEqual([
      { refused: undefined, current: undefined },
      { refused: first, current: undefined },
      { refused: undefined, current: second },
    ]);
    expect(adopted.map(({ value }) => value)).toEqual(['token-1', 'token-2', 'token-3']);
  });
});

describe('A token that is refused, too', () => {
  it('stays for what is left of 10 s; who met that reads how long, and where to look', async () => {
    const second = await renewing.replace(await renewing.get(), {});
    await runtime.advance(4_000);
    const error = await thrownBy(() => renewing.replace(second, {}));
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
    expect(await renewing.replace(second, {})).not.toBe(second);
  });

  it('is replaced at once after everything was forgotten', async () => {
    await renewing.replace(await renewing.get(), {});
    renewing.forget();
    const third = await renewing.get();
    expect((await renewing.replace(third, {})).value).toBe('token-4');
    expect(mints[2]).toEqual({ refused: undefined, current: undefined });
  });
});

describe('A token that has expired when it arrives', () => {
  it('is asked for once more, by the way', async () => {
    script = [expired];
    expect((await renewing.get()).value).toBe('token-2');
    expect(adopted.map(({ value }) => value)).toEqual(['token-2']);
    expect(mints).toHaveLength(2);
  });

  it('twice fails, and says what may be the reason', async () => {
    script = [expired, expired];
    const error = await thrownBy(() => renewing.get());
    expect(error).toMatchObject({ code: 'expired_on_arrival', retryable: true });
    expect(error.message).toMatch(/token \S{12} had expired/);
    expect(error.hint).toMatch(/slept.*clock/);
    expect(error.docs).toContain('rfc6749');
    expect(adopted).toEqual([]);
    expect(mints).toHaveLength(2);
  });

  it('is the only failure that a renewal asks once more for by itself', async () => {
    script = [failure(true)];
    expect((await thrownBy(() => renewing.get())).code).toBe('unavailable');
    expect(mints).toHaveLength(1);
  });
});

describe('A caller who needs a token for long', () => {
  /** As one comes from a store: minted half an hour ago. */
  const halfSpent = (granted: MintedToken) => {
    const { wall, monotonic } = granted.requestedAt;
    return granting({
      ...granted,
      requestedAt: { wall: wall - HOUR / 2, monotonic: monotonic - HOUR / 2 },
    });
  };

  it('has one more asked for if what comes does not live long enough', async () => {
    script = [halfSpent];
    expect((await renewing.get({ minValidityMs: 40 * MINUTE })).value).toBe('token-2');
    expect(mints).toHaveLength(2);
  });

  it('has none asked for if it does', async () => {
    script = [halfSpent];
    expect((await renewing.get({ minValidityMs: 20 * MINUTE })).value).toBe('token-1');
    expect(mints).toHaveLength(1);
  });

  it('gets the second in any case: better than none', async () => {
    script = [halfSpent, halfSpent];
    expect((await renewing.get({ minValidityMs: 40 * MINUTE })).value).toBe('token-2');
    expect(mints).toHaveLength(2);
  });
});

describe('A renewal ahead of time', () => {
  const inTheLastMinutes = async () => {
    const token = await renewing.get();
    await runtime.advance(50 * MINUTE);
    return token;
  };

  it('is one for all who come while it is on its way', async () => {
    const old = await inTheLastMinutes();
    script = [never];
    for (let call = 0; call < 5; call++) {
      renewing.refreshIfDue();
      expect(await renewing.get()).toBe(old);
    }
    expect(mints).toHaveLength(2);
  });

  it.each([
    ['may pass', true],
    ['will not pass', false],
  ])('that failed for a reason that %s is not tried again within the pause', async (_, passes) => {
    const old = await inTheLastMinutes();
    script = [failure(passes)];
    for (let call = 0; call < 5; call++) {
      renewing.refreshIfDue();
      expect(await renewing.get()).toBe(old);
      await settled();
    }
    expect(mints).toHaveLength(2);
    await runtime.advance(1_000);
    renewing.refreshIfDue();
    await settled();
    expect(renewing.freshToken?.value).toBe('token-3');
  });

  it('that comes ends what failed before it: the next failure is a first one', async () => {
    await inTheLastMinutes();
    script = [failure(true)];
    renewing.refreshIfDue();
    await settled();
    expect(renewing.failure?.since).toBe(runtime.now());
    await runtime.advance(1_000);
    renewing.refreshIfDue();
    await settled();
    expect(renewing.failure).toBeUndefined();
    await runtime.advance(HOUR);
    script = [failure(true)];
    expect((await thrownBy(() => renewing.get())).message).not.toContain('since');
  });

  it('is not made of a fresh token', async () => {
    await renewing.get();
    renewing.refreshIfDue();
    expect(mints).toHaveLength(1);
  });
});

describe('A mint that is forgotten', () => {
  it('does not take the place of the one that follows, when that begins while it ends', async () => {
    let next: Promise<AccessToken> | undefined;
    // Whoever hears of the end of a request may ask again at once.
    script = [
      (_, signal) => {
        signal.addEventListener('abort', () => {
          next = renewing.get();
        });
        return never();
      },
      never,
    ];
    const first = renewing.get();
    await settled();
    renewing.forget();
    await settled();
    expect(next).toBeDefined();
    expect(mints).toHaveLength(2);
    // All who wait now wait for the same.
    void first.catch(() => undefined);
    void renewing.get();
    await settled();
    expect(mints).toHaveLength(2);
  });
});
