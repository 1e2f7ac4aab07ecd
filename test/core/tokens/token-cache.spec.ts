import { beforeEach, describe, expect, it } from 'vitest';
import type { Subject } from '../../../lib/core/credentials/subject.js';
import { AccessToken } from '../../../lib/core/token-endpoint/access-token.js';
import type { MintedToken } from '../../../lib/core/token-endpoint/token-attempts.js';
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
/** Whom tokens were minted for, in turn. */
let minted: string[];
/** Whose mints wait, and for what. */
let held: Map<string, Promise<void>>;
beforeEach(() => {
  runtime = new FakeRuntime();
  minted = [];
  held = new Map();
});

const untold = () => undefined;

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
  return new TokenCache(source, renewalDefaults, maxSubjects, runtime, untold);
}

describe('The tokens of many subjects', () => {
  it('make room for each other, which is counted', async () => {
    const tokens = tokensFor(2);
    expect(tokens.evictions).toBe(0);
    await tokens.get();
    for (const id of ['5', '6', '7', '8', '9']) await tokens.get({ subject: user(id) });
    expect(tokens.evictions).toBe(3);
    expect(tokens.peek(user('5'))).toBeUndefined();
    expect(tokens.peek(user('9'))).toBeDefined();
    expect(tokens.peek()).toBeDefined();
  });

  it('are not counted when all of them are forgotten', async () => {
    const tokens = tokensFor(2);
    await tokens.get({ subject: user('5') });
    tokens.flush();
    tokens.close();
    expect(tokens.evictions).toBe(0);
    expect(tokens.peek(user('5'))).toBeUndefined();
  });

  it('are minted one at a time, however often they are flushed meanwhile', async () => {
    const tokens = tokensFor(2);
    const answer = deferred();
    held.set('5', answer.promise);
    const waiting = [tokens.get({ subject: user('5') })];
    await settled();
    tokens.flush();
    tokens.flush();
    waiting.push(tokens.get({ subject: user('5') }));
    await settled();
    answer.resolve();
    expect(new Set((await Promise.all(waiting)).map(({ value }) => value)).size).toBe(1);
    expect(minted).toEqual(['5', '5']); // the one that was flushed, and the one for both
  });

  it('keep what was pushed out while it was on its way', async () => {
    const answer = deferred();
    held.set('5', answer.promise);
    const tokens = tokensFor(1);
    const five = tokens.get({ subject: user('5') });
    await tokens.get({ subject: user('6') });
    expect(tokens.peek(user('5'))).toBeUndefined();
    answer.resolve();
    expect(tokens.peek(user('6'))).toBeDefined();
    const token = await five;
    await settled();
    expect(tokens.peek(user('5'))).toBe(token);
    expect(await tokens.get({ subject: user('5') })).toBe(token);
    expect(minted).toEqual(['5', '6']);
  });

  it('need not know whom the app’s own token is for', async () => {
    const tokens = tokensFor(2, 'unknown');
    const token = await tokens.get({ subject: OWN });
    expect(tokens.peek(OWN)).toBe(token);
    expect(tokens.peek()).toBeUndefined();
  });

  it('tell a user from an enterprise of the same number, and from the app’s own', async () => {
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

describe('A token whose subject is forgotten', () => {
  /** One of a subject that others pushed out. */
  const forgotten = async (tokens: TokenCache): Promise<AccessToken> => {
    const token = await tokens.get({ subject: user('5') });
    await tokens.get({ subject: user('6') });
    return token;
  };

  it('can be refused, and dropped: nothing comes of it', async () => {
    const tokens = tokensFor(1);
    const token = await forgotten(tokens);
    tokens.invalidate(token);
    tokens.drop(token);
    expect(tokens.peek(user('6'))).toBeDefined();
    expect(minted).toEqual(['5', '6']);
  });

  it('is replaced by one for the same subject', async () => {
    const tokens = tokensFor(1);
    const token = await tokens.replace(await forgotten(tokens), {});
    expect(token.subject).toEqual(user('5'));
    expect(minted).toEqual(['5', '6', '5']);
  });
});

describe('A demand', () => {
  it('for a longer life than the token has left gets another', async () => {
    const tokens = tokensFor(1);
    const token = await tokens.get();
    await runtime.advance(HOUR / 2);
    expect(await tokens.get({ minValidityMs: HOUR / 4 })).toBe(token);
    expect(await tokens.get({ minValidityMs: HOUR * 0.6 })).not.toBe(token);
  });

  it('that was given up beforehand gets nothing, not even what is there', async () => {
    const tokens = tokensFor(1);
    await tokens.get();
    const signal = AbortSignal.abort(new Error('gone'));
    await expect(tokens.get({ signal })).rejects.toThrow('gone');
  });
});

describe('What is kept warm', () => {
  it('is not pushed out by others', async () => {
    const tokens = tokensFor(1);
    tokens.keepWarm(user('5'));
    for (const id of ['6', '7', '8']) await tokens.get({ subject: user(id) });
    expect(tokens.peek(user('5'))).toBeDefined();
    tokens.close();
  });

  it('is renewed in time for a day, the app’s own token and a user’s, and nobody asks', async () => {
    const tokens = tokensFor(1);
    tokens.keepWarm(undefined);
    tokens.keepWarm(user('5'));
    for (let minute = 0; minute < 24 * 60; minute += 10) {
      await runtime.advance(10 * 60_000);
      expect(tokens.peek(), `after ${minute} min`).toBeDefined();
      expect(tokens.peek(user('5')), `after ${minute} min`).toBeDefined();
    }
    // Tokens that live an hour, renewed some ten minutes early.
    for (const subject of ['1', '5']) {
      const mints = minted.filter((id) => id === subject).length;
      expect(mints).toBeGreaterThanOrEqual(26);
      expect(mints).toBeLessThanOrEqual(32);
    }
    tokens.close();
  });

  it('holds no timer after the end, nor gets one', () => {
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

describe('After the end', () => {
  it('who asks is told why there is no token, and what to do', async () => {
    const tokens = tokensFor(1);
    tokens.close();
    const error = await thrownBy(() => tokens.get());
    expect(error).toMatchObject({ code: 'closed', retryable: false });
    expect(error.message).toContain('after the app was shut down');
    expect(error.hint).toContain('before app.close()');
    expect(error.docs).toContain('docs.nestjs.com');
    expect(minted).toEqual([]);
  });

  it('nothing else is begun, either', async () => {
    const tokens = tokensFor(1);
    expect(await tokens.whileOpen(() => Promise.resolve('done'))).toBe('done');
    tokens.close();
    let begun = 0;
    const work = () => Promise.resolve((begun += 1));
    expect((await thrownBy(() => tokens.whileOpen(work))).code).toBe('closed');
    expect(begun).toBe(0);
  });

  it('what was begun is ended', async () => {
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

  it('another end changes nothing', async () => {
    const tokens = tokensFor(1);
    tokens.close();
    tokens.close();
    expect((await thrownBy(() => tokens.get())).code).toBe('closed');
  });
});
