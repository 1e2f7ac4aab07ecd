import { inspect } from 'node:util';
import { lastValueFrom, toArray } from 'rxjs';
import { beforeEach, describe, expect, it } from 'vitest';
import { BoxAuth } from '../../../lib/box/box-auth.js';
import type { BoxAuthOptions } from '../../../lib/box/box-auth.options.js';
import type { Subject } from '../../../lib/core/credentials/subject.js';
import type { BoxTokenProvider } from '../../../lib/box/box-token.provider.js';
import { AccessToken } from '../../../lib/core/token-endpoint/access-token.js';
import { TokenCache } from '../../../lib/core/tokens/token-cache.js';
import type { TokenSource } from '../../../lib/core/tokens/token-source.js';
import { renewalDefaults } from '../../../lib/core/tokens/renewal.options.js';
import { FakeRuntime, settled } from '../../support/fake-runtime.js';
import { refuse, ScriptedEndpoint, silence } from '../../support/scripted-endpoint.js';
import { thrownBy } from '../../support/thrown.js';

const credentials = { clientId: 'client', clientSecret: 'secret', enterpriseId: '1' };
const MINUTE = 60_000;

let runtime: FakeRuntime;
let endpoint: ScriptedEndpoint;
let auth: BoxAuth;
let box: BoxTokenProvider;

function start(options: Partial<BoxAuthOptions> = {}): void {
  auth = new BoxAuth({ credentials, fetch: endpoint.fetch, runtime, ...options });
  box = auth.provider;
}

beforeEach(() => {
  runtime = new FakeRuntime();
  runtime.randomValue = 0;
  endpoint = new ScriptedEndpoint(runtime);
  start();
});

const many = (n: number, work: () => Promise<AccessToken>) =>
  Promise.all(Array.from({ length: n }, work));

describe('A token', () => {
  it('is minted once for all who ask at once, and is one and the same', async () => {
    const tokens = await many(10_000, () => box.getToken());
    expect(new Set(tokens).size).toBe(1);
    expect(endpoint.received).toHaveLength(1);
  });

  it('is minted for nobody before somebody asks', async () => {
    expect(box.peekToken()).toBeUndefined();
    await runtime.advance(60 * MINUTE);
    expect(endpoint.received).toEqual([]);
  });

  it('is kept: the next who ask cause no request', async () => {
    const token = await box.getToken();
    await runtime.advance(40 * MINUTE);
    expect(await box.getToken()).toBe(token);
    expect(box.peekToken()).toBe(token);
    expect(endpoint.received).toHaveLength(1);
  });

  it('is one per subject, the own subject under either of its names', async () => {
    const own = await box.getToken();
    expect(await box.getToken({ subject: { type: 'enterprise', id: '1' } })).toBe(own);
    const user = await box.getToken({ subject: { type: 'user', id: '1' } });
    expect(user.value).not.toBe(own.value);
    expect(box.peekToken({ type: 'user', id: '1' })).toBe(user);
    expect(box.peekToken({ type: 'user', id: '2' })).toBeUndefined();
    expect(endpoint.received).toHaveLength(2);
  });

  it('shows its fingerprint to everybody and its value to who asks for it', async () => {
    const token = await box.getToken();
    const shown = [
      String(token),
      JSON.stringify({ token }),
      inspect(token, { showHidden: true, depth: 9 }),
      `${token}`,
    ];
    for (const text of shown) {
      expect(text).toContain(token.fingerprint);
      expect(text).not.toContain(token.value);
    }
    expect(token.value).toBe('token-1-for-1');
    expect(Object.isFrozen(token)).toBe(true);
    expect(Object.values(token)).not.toContain(token.value);
    expect(structuredClone({ ...token })).not.toHaveProperty('value');
  });
});

describe('Renewal', () => {
  it('happens in the background: who asks in the last ten minutes gets the old token at once, the next the new one', async () => {
    const old = await box.getToken();
    await runtime.advance(50 * MINUTE);
    endpoint.script(endpoint.grant);
    expect(await box.getToken()).toBe(old);
    await settled();
    const renewed = await box.getToken();
    expect(renewed).not.toBe(old);
    expect(endpoint.received).toHaveLength(2);
  });

  it('is not begun before, and by chance a little earlier: the processes of a fleet spread', async () => {
    runtime.randomValue = 0.999;
    start();
    const old = await box.getToken();
    await runtime.advance(47 * MINUTE);
    await box.getToken();
    expect(endpoint.received).toHaveLength(1);
    await runtime.advance(MINUTE);
    expect(await box.getToken()).toBe(old);
    await settled();
    expect(endpoint.received).toHaveLength(2);
  });

  it('makes nobody wait over a day with a call every second, but the very first', async () => {
    await box.getToken();
    for (let second = 0; second < 86_400; second += 10) {
      expect(box.peekToken(), `after ${second} s`).toBeDefined();
      void box.getToken();
      await runtime.advance(10_000);
    }
    expect(endpoint.received.length).toBeLessThan(32);
    expect(endpoint.mostInFlight).toBe(1);
  }, 60_000);

  it('that fails reaches no caller while the old token is good; then the error says since when', async () => {
    const old = await box.getToken();
    await runtime.advance(50 * MINUTE);
    endpoint.otherwise = refuse(endpoint, 503, 'unavailable', 'Unavailable');
    for (let second = 0; second < 594; second += 6) {
      const work = box.getToken();
      await runtime.advance(6_000);
      expect(await work).toBe(old);
    }
    await runtime.advance(1_000);
    expect(box.peekToken()).toBeUndefined();
    const failing = thrownBy(() => box.getToken());
    await runtime.advance(60_000);
    const error = await failing;
    expect(error).toMatchObject({ code: 'unavailable', retryable: true });
    expect(error.message).toContain('This has failed since 2026-03-01T12:5');
  });

  it('makes a caller in the last minute wait for the new token, but not past the end of the old one', async () => {
    const old = await box.getToken();
    await runtime.advance(59 * MINUTE);
    const quick = await box.getToken();
    expect(quick).not.toBe(old);
    await runtime.advance(59 * MINUTE);
    endpoint.otherwise = silence;
    const work = box.getToken();
    await runtime.advance(27_600);
    expect(await work).toBe(quick);
  });

  it('waits between failed attempts, longer each time, a minute at most', async () => {
    start({
      tokenEndpoint: { attempts: 1 },
      renewal: { minBackoffMs: 1_000, maxBackoffMs: 60_000 },
    });
    endpoint.otherwise = refuse(endpoint, 503, 'unavailable', 'Unavailable');
    runtime.randomValue = 0.999;
    for (let second = 0; second < 600; second++) {
      await thrownBy(() => box.getToken());
      await runtime.advance(1_000);
    }
    const at = endpoint.received.map((request) => request.at);
    const pauses = at.slice(1).map((time, index) => time - (at[index] ?? 0));
    expect(pauses.slice(0, 5).map((ms) => Math.round(ms / 1_000))).toEqual([1, 2, 4, 8, 16]);
    expect(Math.max(...pauses)).toBeLessThanOrEqual(61_000);
    endpoint.otherwise = endpoint.grant;
    await runtime.advance(60_000);
    await expect(box.getToken()).resolves.toBeDefined();
  });

  it('of a short-lived token follows its lifetime: every margin is a quarter of it at most', async () => {
    endpoint.lifetimeS = 8;
    const first = await box.getToken();
    await runtime.advance(5_000);
    expect(await box.getToken()).toBe(first);
    await runtime.advance(1_000);
    expect(box.peekToken()).toBeUndefined();
    expect(await box.getToken()).not.toBe(first);
  });

  it('of a token of unknown lifetime happens when it is refused', async () => {
    endpoint.lifetimeS = undefined;
    const token = await box.getToken();
    expect(token.expiresAt).toBeUndefined();
    await runtime.advance(30 * 24 * 60 * MINUTE);
    expect(await box.getToken()).toBe(token);
    box.invalidate(token);
    expect(await box.getToken()).not.toBe(token);
  });

  it('is not made by a demand that is no number', async () => {
    const token = await box.getToken();
    expect(await box.getToken({ minValidityMs: Number.NaN })).toBe(token);
  });

  it('happens for a caller who needs the token for longer than it lives', async () => {
    const old = await box.getToken();
    await runtime.advance(20 * MINUTE);
    expect(await box.getToken({ minValidityMs: 30 * MINUTE })).toBe(old);
    const longer = await box.getToken({ minValidityMs: 45 * MINUTE });
    expect(longer).not.toBe(old);
    expect(await box.getToken({ minValidityMs: 24 * 60 * MINUTE })).toBe(longer);
    expect(endpoint.received).toHaveLength(2);
  });
});

describe('A dead token is never made to look alive', () => {
  it.each([
    ['the wall clock is set back', () => runtime.jump(-5 * 60 * MINUTE), 60 * MINUTE],
    ['the machine slept', () => runtime.sleep(60 * MINUTE), 0],
    ['the wall clock is set ahead', () => runtime.jump(60 * MINUTE), 0],
  ])('when %s', async (_, happens, thenMs) => {
    const old = await box.getToken();
    happens();
    await runtime.advance(thenMs);
    expect(box.peekToken()).toBeUndefined();
    expect(await box.getToken()).not.toBe(old);
  });
});

describe('A refused token', () => {
  it('is replaced once, however many say so', async () => {
    const old = await box.getToken();
    await many(10_000, () => {
      box.invalidate(old);
      return box.getToken();
    });
    expect(endpoint.received).toHaveLength(2);
  });

  it('that is not the current one any more changes nothing', async () => {
    const old = await box.getToken();
    box.invalidate(old);
    const current = await box.getToken();
    box.invalidate(old);
    expect(await box.getToken()).toBe(current);
    expect(endpoint.received).toHaveLength(2);
  });

  it('that follows upon a refused one is kept for 10 s, for others; who was refused with it is told', async () => {
    const first = await box.getToken();
    const second = await auth.tokens.replace(first, {});
    const error = await thrownBy(() => auth.tokens.replace(second, {}));
    expect(error).toMatchObject({
      code: 'token_refused_again',
      retryable: true,
      retryAfterMs: 10_000,
    });
    box.invalidate(second);
    expect(await box.getToken()).toBe(second);
    expect(endpoint.received).toHaveLength(2);
    await runtime.advance(10_000);
    box.invalidate(second);
    expect(await box.getToken()).not.toBe(second);
    expect(endpoint.received).toHaveLength(3);
  });

  it('whose replacement fails is tried for again, as ever', async () => {
    start({ tokenEndpoint: { attempts: 1 } });
    box.invalidate(await box.getToken());
    endpoint.script(refuse(endpoint, 503, 'unavailable', 'Unavailable'));
    expect((await thrownBy(() => box.getToken())).code).toBe('unavailable');
    await runtime.advance(1_000);
    await expect(box.getToken()).resolves.toBeDefined();
  });
});

/** The endpoint keeps the next grant back until what is returned is called. */
function holdNextGrant(): () => void {
  let answer: () => void = () => undefined;
  const called = new Promise<void>((resolve) => {
    answer = resolve;
  });
  endpoint.script((request) => called.then(() => endpoint.grant(request)));
  return answer;
}

describe('A caller who gives up', () => {
  it('ends its own wait only', async () => {
    const answer = holdNextGrant();
    const controller = new AbortController();
    const nine = Array.from({ length: 9 }, () => box.getToken({ signal: controller.signal }));
    const tenth = box.getToken();
    await settled();
    controller.abort(new Error('gone'));
    for (const caller of nine) await expect(caller).rejects.toThrow('gone');
    answer();
    await expect(tenth).resolves.toBeDefined();
    expect(endpoint.received).toHaveLength(1);
  });

  it('leaves the token for the next, even if all do', async () => {
    const answer = holdNextGrant();
    const controller = new AbortController();
    const only = box.getToken({ signal: controller.signal });
    await settled();
    controller.abort(new Error('gone'));
    await expect(only).rejects.toThrow('gone');
    answer();
    await settled();
    expect(box.peekToken()).toBeDefined();
  });

  it('beforehand gets nothing, even a token that is there', async () => {
    await box.getToken();
    await expect(box.getToken({ signal: AbortSignal.abort(new Error('gone')) })).rejects.toThrow(
      'gone',
    );
  });
});

describe('flush', () => {
  it('forgets every token, and what is on its way; who waits gets the new one', async () => {
    await box.getToken();
    await box.getToken({ subject: { type: 'user', id: '5' } });
    box.flush();
    expect(box.peekToken()).toBeUndefined();
    expect(box.peekToken({ type: 'user', id: '5' })).toBeUndefined();
    endpoint.script(silence);
    const waiting = box.getToken();
    await settled();
    box.flush();
    expect((await waiting).value).toContain('token-4');
    expect(endpoint.mostInFlight).toBe(1);
  });

  it('forgets refusals, too: an app that was just authorised is tried at once', async () => {
    endpoint.script(refuse(endpoint, 400, 'unauthorized_client', ''));
    await thrownBy(() => box.getToken());
    await thrownBy(() => box.getToken());
    box.flush();
    await expect(box.getToken()).resolves.toBeDefined();
  });
});

describe('token$', () => {
  it('gives the token as it is, then each renewal, and completes on shutdown', async () => {
    const seen = lastValueFrom(box.token$().pipe(toArray()));
    await settled();
    await box.getToken({ subject: { type: 'user', id: '5' } });
    await runtime.advance(50 * MINUTE);
    await box.getToken();
    await settled();
    auth.close();
    expect((await seen).map(({ value }) => value)).toEqual(['token-1-for-1', 'token-3-for-1']);
  });

  it('of a user gives that user’s only', async () => {
    const seen = lastValueFrom(box.token$({ type: 'user', id: '5' }).pipe(toArray()));
    await settled();
    await box.getToken();
    auth.close();
    expect((await seen).map(({ subject }) => subject.id)).toEqual(['5']);
  });
});

describe('Many subjects', () => {
  it('stay within the bound, the app’s own token apart', async () => {
    start({ maxSubjects: 100 });
    const own = await box.getToken();
    for (let id = 1; id <= 1_000; id++)
      await box.getToken({ subject: { type: 'user', id: String(id) } });
    const kept = Array.from({ length: 1_000 }, (_, id) =>
      box.peekToken({ type: 'user', id: String(id + 1) }),
    ).filter(Boolean);
    expect(kept).toHaveLength(100);
    expect(box.peekToken()).toBe(own);
  });

  it('stay within it for 100,000 users, too; none gets what is another’s, and the forgotten are counted', async () => {
    const source: TokenSource = {
      defaultSubject: { type: 'enterprise', id: '1' },
      forgetRefusals: () => undefined,
      mint: (subject = { type: 'enterprise', id: '1' }) =>
        Promise.resolve({
          token: new AccessToken(`token-for-${subject.id}`, { subject }),
          lifetimeMs: 3_600_000,
          requestedAt: { wall: runtime.now(), monotonic: runtime.monotonic() },
          isShared: false,
        }),
    };
    const tokens = new TokenCache(source, renewalDefaults, 10_000, runtime, () => undefined);
    const users = Array.from({ length: 100_000 }, (_, index) => String(index + 1));
    for (const id of users) {
      const { value } = await tokens.get({ subject: { type: 'user', id } });
      if (value !== `token-for-${id}`) throw new Error(`${id} got ${value}`);
    }
    const kept = users.filter((id) => tokens.peek({ type: 'user', id }) !== undefined);
    expect(kept).toHaveLength(10_000);
    expect(kept[0]).toBe('90001');
    expect(tokens.evictions).toBe(90_000);
  });

  it('have one mint each at a time, also those that the bound pushed out meanwhile', async () => {
    start({ maxSubjects: 1 });
    const waiting: (() => void)[] = [];
    endpoint.otherwise = async (request) => {
      await new Promise<void>((resolve) => waiting.push(resolve));
      return endpoint.grant(request);
    };
    const ask = (id: string) => box.getToken({ subject: { type: 'user', id } });
    const all = [ask('5'), ask('6'), ask('7'), ask('5'), ask('6')];
    await settled();
    expect(endpoint.received).toHaveLength(3);
    for (const answer of waiting) answer();
    const tokens = await Promise.all(all);
    expect(tokens.map(({ subject }) => subject.id)).toEqual(['5', '6', '7', '5', '6']);
  });
});

describe('Options out of their range fail the start, by name', () => {
  it.each([
    [{ renewal: { expiryMarginMs: -1 } }, 'renewal.expiryMarginMs'],
    [{ renewal: { waitMarginMs: Number.NaN } }, 'renewal.waitMarginMs'],
    [{ renewal: { expiryMarginMs: 70_000 } }, 'renewal.expiryMarginMs'],
    [{ renewal: { minWindowMs: 700_000 } }, 'renewal.minWindowMs'],
    [{ renewal: { windowRatio: 2 } }, 'renewal.windowRatio'],
    [{ renewal: { minBackoffMs: 90_000 } }, 'renewal.minBackoffMs'],
    [{ renewal: { maxBackoff: 1 } }, 'renewal.maxBackoff'],
    [{ tokenEndpoint: { attempts: 0 } }, 'tokenEndpoint.attempts'],
    [{ tokenEndpoint: { attempts: 1.5 } }, 'tokenEndpoint.attempts'],
    [{ tokenEndpoint: { timeoutMs: Infinity } }, 'tokenEndpoint.timeoutMs'],
    [{ tokenEndpoint: { timeoutMs: 40_000 } }, 'tokenEndpoint.timeoutMs'],
    [{ maxSubjects: 0 }, 'maxSubjects'],
    [{ apiUrl: 'api.box.com' }, 'apiUrl'],
    [{ apiUrl: 'http://box.example.com' }, 'apiUrl'],
    [{ apiUrl: 'https://user:pass@box.example.com' }, 'apiUrl'],
    [{ apiUrl: 'ftp://box.example.com' }, 'apiUrl'],
    [{ apiUrl: 'https://api.box.com/2.0' }, 'apiUrl'],
    [{ apiUrl: 'https://api.box.com/2.0/' }, 'apiUrl'],
    [{ apiUrl: '"https://api.box.com"' }, 'apiUrl'],
    [{ apiUrl: 'localhost:4000' }, 'apiUrl'],
    [{ runtime: {} }, 'runtime'],
    [{ configFile: 'config.json' }, 'configFile'],
    [{ origins: ['https://box.example.com', 'nonsense'] }, 'origins'],
    [{ origins: 'https://box.example.com' }, 'origins'],
    [{ origins: [null] }, 'origins'],
    [{ maxSubjects: 1e12 }, 'maxSubjects'],
    [{ tokenEndpoint: { attempts: 1e9 } }, 'tokenEndpoint.attempts'],
    [{ tokenEndpoint: null }, 'tokenEndpoint'],
    [{ renewal: 5 }, 'renewal'],
    [{ keepWarm: true }, 'keepWarm'],
    [{ keepWarm: [null] }, 'keepWarm'],
    [{ keepWarm: [{ type: 'user', id: 5 }] }, 'keepWarm'],
    [{ keepWarm: ['me'] }, 'keepWarm'],
    [{ store: null }, 'store'],
    [{ assertion: 5 }, 'assertion'],
    [{ assertion: { issuedat: true } }, 'assertion'],
    [{ assertion: { issuedAt: 'yes' } }, 'assertion'],
    [{ apiUrl: 5 }, 'apiUrl'],
    [{ renewal: { toString: 5 } }, 'renewal.toString'],
  ])('%j', async (options, name) => {
    const error = await thrownBy(() => start(options as Partial<BoxAuthOptions>));
    expect(error.code).toBe('option_invalid');
    expect(error.message).toContain(`\`${name}`);
    expect(error.message).not.toContain('pass@');
  });
});

describe('What an address lacks is told', () => {
  it.each([
    ['localhost:4000', 'with https:// before the host'],
    ['htp://127.0.0.1:4000', 'with https:// before the host'],
    ["'https://api.box.com'", 'without quotes around it'],
    ['https://api.box\n.com', 'an absolute URL'],
    ['https://api.b\tox.com', 'an absolute URL'],
    ['https://user:pass@api.box.com', 'without user, query or fragment'],
    ['https://api.box.com/2.0', 'without the API version at its end'],
    ['http://api.box.com', 'on loopback only'],
  ])('%s', async (apiUrl, lack) => {
    expect((await thrownBy(() => start({ apiUrl }))).message).toContain(lack);
  });

  it('and what option a mistyped one is meant to be', async () => {
    const { hint } = await thrownBy(() => start({ maxsubjects: 5 } as Partial<BoxAuthOptions>));
    expect(hint).toBe('Fix: did you mean `maxSubjects`? Write it instead of `maxsubjects`.');
  });
});

describe('A subject', () => {
  it('is whom it was when it was asked for, whatever becomes of the object that named it', async () => {
    const subject = { type: 'user' as const, id: '' };
    const asked = ['11', '22', '33'].map((id) => {
      subject.id = id;
      return box.getToken({ subject });
    });
    const given = (await Promise.all(asked)).map((token) => token.subject.id);
    expect(given).toEqual(['11', '22', '33']);
    subject.id = '44';
    await runtime.advance(3_590_000);
    const renewed = await box.getToken({ subject: { type: 'user', id: '33' } });
    expect([renewed.subject.id, renewed.value.endsWith('for-33')]).toEqual(['33', true]);
  });

  it.each([
    null,
    {},
    { type: 'user' },
    { type: 'user', id: 5 },
    { type: 'user', id: ['7'] },
    { type: 'group', id: '7' },
    { type: Symbol('user'), id: '7' },
    { type: 'user', id: { toString: () => '7' } },
    'user:7',
  ])('is refused, and never anybody, when it is %o', async (given) => {
    const subject = given as unknown as Subject;
    expect((await thrownBy(() => box.getToken({ subject }))).code).toBe('subject_invalid');
    expect((await thrownBy(() => box.peekToken(subject))).code).toBe('subject_invalid');
    expect(endpoint.received).toEqual([]);
  });
});

describe('A subject that is kept warm', () => {
  it('has a token again at once when it was flushed or refused', async () => {
    start({ keepWarm: ['own', { type: 'user', id: '5' }] });
    auth.keepWarm();
    await settled();
    const first = box.peekToken();
    box.flush();
    await settled();
    expect(box.peekToken()).toBeDefined();
    expect(box.peekToken()).not.toBe(first);
    await runtime.advance(60_000);
    const second = box.peekToken({ type: 'user', id: '5' });
    if (second === undefined) throw new Error('it is not warm');
    box.invalidate(second);
    await settled();
    expect(box.peekToken({ type: 'user', id: '5' })).toBeDefined();
    auth.close();
    expect(runtime.timers).toBe(0);
  });

  it('are renewed within a minute of waking up, where the machine slept', async () => {
    start({ keepWarm: ['own'] });
    auth.keepWarm();
    await settled();
    runtime.sleep(2 * 3_600_000);
    await runtime.advance(60_000);
    expect(endpoint.received).toHaveLength(2);
    expect(auth.provider.peekToken()).toBeDefined();
  });

  it('has one timer, however often it is named', async () => {
    start({ keepWarm: ['own', 'own', { type: 'user', id: '5' }, { type: 'user', id: '5' }] });
    auth.keepWarm();
    await settled();
    expect(endpoint.received).toHaveLength(2);
    expect(runtime.timers).toBe(2);
    auth.close();
    expect(runtime.timers).toBe(0);
  });

  it('is asked for a few times a second at most, however short the pauses are made', async () => {
    start({
      keepWarm: ['own'],
      renewal: { minBackoffMs: 0, maxBackoffMs: 0 },
      tokenEndpoint: { attempts: 1 },
    });
    endpoint.otherwise = refuse(endpoint, 503, 'unavailable', 'Unavailable');
    auth.keepWarm();
    await runtime.advance(10_000);
    expect(endpoint.received.length).toBeLessThanOrEqual(101);
    expect(endpoint.received.length).toBeGreaterThan(50);
  });
});

describe('The own subject', () => {
  it('may become another while a function gives the credentials: its old token can still be refused', async () => {
    let enterpriseId = '1';
    start({ credentials: () => ({ ...credentials, enterpriseId }) });
    const old = await box.getToken();
    enterpriseId = '2';
    await box.getToken({ subject: { type: 'user', id: '5' } });
    box.invalidate(old);
    expect((await box.getToken()).subject.id).toBe('2');
  });
});

describe('A subject that is kept warm', () => {
  it('is renewed though nobody asks, and is asked for again when that fails', async () => {
    start({ keepWarm: ['own', { type: 'user', id: '5' }], tokenEndpoint: { attempts: 1 } });
    endpoint.script(refuse(endpoint, 503, 'unavailable', 'Unavailable'));
    await auth.readCredentials();
    auth.keepWarm();
    await runtime.advance(2_000);
    for (let minute = 0; minute < 600; minute++) {
      expect(box.peekToken(), `after ${minute} minutes`).toBeDefined();
      expect(box.peekToken({ type: 'user', id: '5' })).toBeDefined();
      await runtime.advance(MINUTE);
    }
    expect(endpoint.received.length).toBeLessThanOrEqual(27);
    auth.close();
    expect(runtime.timers).toBe(0);
  });

  it('is so after a flush, and however many others are asked for', async () => {
    start({ keepWarm: [{ type: 'user', id: '5' }], maxSubjects: 1 });
    auth.keepWarm();
    await settled();
    box.flush();
    for (const id of ['6', '7']) await box.getToken({ subject: { type: 'user', id } });
    for (let minute = 0; minute < 120; minute++) {
      await runtime.advance(MINUTE);
      expect(box.peekToken({ type: 'user', id: '5' })).toBeDefined();
    }
    auth.close();
  });
});
