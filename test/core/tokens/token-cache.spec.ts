import { AsyncLocalStorage } from 'node:async_hooks';
import { beforeEach, describe, expect, it } from 'vitest';
import type { Subject } from '../../../lib/core/credentials/subject.js';
import { AccessToken, type MintedToken } from '../../../lib/core/token-endpoint/access-token.js';
import { TokenCache } from '../../../lib/core/tokens/token-cache.js';
import type { TokenSource } from '../../../lib/core/tokens/token-source.js';
import { renewalDefaults } from '../../../lib/core/tokens/renewal.options.js';
import { deferred } from '../../support/deferred.js';
import { FakeRuntime, settled } from '../../support/fake-runtime.js';
import { thrownBy } from '../../support/thrown.js';

const HOUR = 3_600_000;
const OWN: Subject = { type: 'enterprise', id: '1' };
const user = (id: string): Subject => ({ type: 'user', id });

let runtime: FakeRuntime;
/** The subject ids of all token requests, in order. */
let minted: string[];
/** Promises that delay the responses, by subject id. */
let held: Map<string, Promise<void>>;
beforeEach(() => {
  runtime = new FakeRuntime();
  minted = [];
  held = new Map();
});

const ignoreEvents = () => undefined;

function tokensFor(maxSubjects: number, own: Subject | 'unknown' = OWN): TokenCache {
  const source: TokenSource = {
    defaultSubject: own === 'unknown' ? undefined : own,
    forgetRefusals: () => undefined,
    mint: async (subject = OWN) => {
      minted.push(subject.id);
      const mint: MintedToken = {
        token: new AccessToken(`token-${minted.length}-for-${subject.id}`, { subject }),
        lifetimeMs: HOUR,
        requestedAt: { wall: runtime.now(), monotonic: runtime.monotonic() },
        isShared: false,
      };
      await held.get(subject.id);
      return mint;
    },
  };
  return new TokenCache(source, renewalDefaults, maxSubjects, runtime, ignoreEvents);
}

describe('A cache with many subjects', () => {
  it('evicts the oldest ones, and counts the evictions', async () => {
    const tokens = tokensFor(2);
    expect(tokens.evictions).toBe(0);
    await tokens.get();
    for (const id of ['5', '6', '7', '8', '9']) await tokens.get({ subject: user(id) });
    expect(tokens.evictions).toBe(3);
    expect(tokens.peek(user('5'))).toBeUndefined();
    expect(tokens.peek(user('9'))).toBeDefined();
    expect(tokens.peek()).toBeDefined();
  });

  it('does not count a flush as an eviction', async () => {
    const tokens = tokensFor(2);
    await tokens.get({ subject: user('5') });
    tokens.flush();
    tokens.close();
    expect(tokens.evictions).toBe(0);
    expect(tokens.peek(user('5'))).toBeUndefined();
  });

  it('sends one request per subject at a time, even if it is flushed in between', async () => {
    const tokens = tokensFor(2);
    const response = deferred();
    held.set('5', response.promise);
    const waiting = [tokens.get({ subject: user('5') })];
    await settled();
    tokens.flush();
    tokens.flush();
    waiting.push(tokens.get({ subject: user('5') }));
    await settled();
    response.resolve();
    expect(new Set((await Promise.all(waiting)).map(({ value }) => value)).size).toBe(1);
    expect(minted).toEqual(['5', '5']); // the abandoned request, and the shared one
  });

  it('keeps a token whose subject was evicted during the request', async () => {
    const response = deferred();
    held.set('5', response.promise);
    const tokens = tokensFor(1);
    const five = tokens.get({ subject: user('5') });
    await tokens.get({ subject: user('6') });
    expect(tokens.peek(user('5'))).toBeUndefined();
    response.resolve();
    expect(tokens.peek(user('6'))).toBeDefined();
    const token = await five;
    await settled();
    expect(tokens.peek(user('5'))).toBe(token);
    expect(await tokens.get({ subject: user('5') })).toBe(token);
    expect(minted).toEqual(['5', '6']);
  });

  it('works while the subject of the credentials is unknown', async () => {
    const tokens = tokensFor(2, 'unknown');
    const token = await tokens.get({ subject: OWN });
    expect(tokens.peek(OWN)).toBe(token);
    expect(tokens.peek()).toBeUndefined();
  });

  it('distinguishes a user from an enterprise with the same id, and from the app’s own subject', async () => {
    const tokens = tokensFor(5);
    const all = [
      await tokens.get(),
      await tokens.get({ subject: OWN }),
      await tokens.get({ subject: user('1') }),
      await tokens.get({ subject: { type: 'enterprise', id: '2' } }),
    ];
    expect(minted).toEqual(['1', '1', '2']);
    expect(all[1]).toBe(all[0]);
  });
});

describe('A token whose subject was evicted', () => {
  const evicted = async (tokens: TokenCache): Promise<AccessToken> => {
    const token = await tokens.get({ subject: user('5') });
    await tokens.get({ subject: user('6') });
    return token;
  };

  it('can be invalidated and dropped without any effect', async () => {
    const tokens = tokensFor(1);
    const token = await evicted(tokens);
    tokens.invalidate(token);
    tokens.drop(token);
    expect(tokens.peek(user('6'))).toBeDefined();
    expect(minted).toEqual(['5', '6']);
  });

  it('is replaced by a token for the same subject', async () => {
    const tokens = tokensFor(1);
    const token = await tokens.replace(await evicted(tokens), {});
    expect(token.subject).toEqual(user('5'));
    expect(minted).toEqual(['5', '6', '5']);
  });
});

describe('A demand', () => {
  it('for more validity than the cached token has left causes a request', async () => {
    const tokens = tokensFor(1);
    const token = await tokens.get();
    await runtime.advance(HOUR / 2);
    expect(await tokens.get({ minValidityMs: HOUR / 4 })).toBe(token);
    expect(await tokens.get({ minValidityMs: HOUR * 0.6 })).not.toBe(token);
  });

  it('with an aborted signal is rejected, even if a token is cached', async () => {
    const tokens = tokensFor(1);
    await tokens.get();
    const signal = AbortSignal.abort(new Error('gone'));
    await expect(tokens.get({ signal })).rejects.toThrow('gone');
  });
});

describe('A subject that is kept warm', () => {
  it('is never evicted', async () => {
    const tokens = tokensFor(1);
    tokens.keepWarm(user('5'));
    for (const id of ['6', '7', '8']) await tokens.get({ subject: user(id) });
    expect(tokens.peek(user('5'))).toBeDefined();
    tokens.close();
  });

  it('is refreshed in time for a whole day without any caller', async () => {
    const tokens = tokensFor(1);
    tokens.keepWarm(undefined);
    tokens.keepWarm(user('5'));
    for (let minute = 0; minute < 24 * 60; minute += 10) {
      await runtime.advance(10 * 60_000);
      expect(tokens.peek(), `after ${minute} min`).toBeDefined();
      expect(tokens.peek(user('5')), `after ${minute} min`).toBeDefined();
    }
    // The tokens live an hour, and are refreshed about ten minutes early.
    for (const subject of ['1', '5']) {
      const mints = minted.filter((id) => id === subject).length;
      expect(mints).toBeGreaterThanOrEqual(26);
      expect(mints).toBeLessThanOrEqual(32);
    }
    tokens.close();
  });

  it('has no timer after the cache was closed', () => {
    const tokens = tokensFor(1);
    tokens.keepWarm(undefined);
    expect(runtime.timers).toBe(1);
    tokens.close();
    expect(runtime.timers).toBe(0);
    tokens.keepWarm(user('5'));
    expect(runtime.timers).toBe(0);
    expect(minted).toEqual(['1']);
  });
});

describe('A timer that keeps a token warm', () => {
  it('does not retain the async context of a request that invalidated the token', async () => {
    const requests = new AsyncLocalStorage<string>();
    const contexts: unknown[] = [];
    const schedule = runtime.schedule.bind(runtime);
    runtime.schedule = (task, delayMs) => {
      contexts.push(requests.getStore());
      return schedule(task, delayMs);
    };
    const tokens = tokensFor(1);
    tokens.keepWarm(undefined);
    const token = await tokens.get();
    requests.run('a request', () => tokens.invalidate(token));
    expect(contexts.length).toBeGreaterThan(1);
    expect(contexts.filter((context) => context !== undefined)).toEqual([]);
    tokens.close();
  });
});

describe('A closed cache', () => {
  it('rejects callers with the reason and a hint', async () => {
    const tokens = tokensFor(1);
    tokens.close();
    const error = await thrownBy(() => tokens.get());
    expect(error).toMatchObject({ code: 'closed', retryable: false });
    expect(error.message).toContain('after the app was shut down');
    expect(error.hint).toContain('before app.close()');
    expect(error.docs).toContain('docs.nestjs.com');
    expect(minted).toEqual([]);
  });

  it('starts no other work', async () => {
    const tokens = tokensFor(1);
    expect(await tokens.whileOpen(() => Promise.resolve('done'))).toBe('done');
    tokens.close();
    let begun = 0;
    const work = () => Promise.resolve((begun += 1));
    expect((await thrownBy(() => tokens.whileOpen(work))).code).toBe('closed');
    expect(begun).toBe(0);
  });

  it('ends running work and waiting callers', async () => {
    const tokens = tokensFor(1);
    const never = deferred();
    const work = thrownBy(() => tokens.whileOpen(() => never.promise));
    held.set('1', never.promise);
    const waiting = thrownBy(() => tokens.get());
    await settled();
    tokens.close();
    expect((await work).code).toBe('closed');
    expect((await waiting).code).toBe('closed');
  });

  it('may be closed twice', async () => {
    const tokens = tokensFor(1);
    tokens.close();
    tokens.close();
    expect((await thrownBy(() => tokens.get())).code).toBe('closed');
  });
});
