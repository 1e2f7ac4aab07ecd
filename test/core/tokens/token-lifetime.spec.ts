import { inspect } from 'node:util';
import { lastValueFrom, toArray } from 'rxjs';
import { beforeEach, describe, expect, it } from 'vitest';
import { BoxAuth } from '../../../lib/box/box-auth.js';
import type { BoxAuthOptions } from '../../../lib/box/box-auth.options.js';
import type { Subject } from '../../../lib/core/credentials/subject.js';
import type { BoxTokenProvider } from '../../../lib/box/box-token.provider.js';
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

describe('A token', () => {
  it('is not requested before a caller needs it', async () => {
    expect(box.peekToken()).toBeUndefined();
    await runtime.advance(60 * MINUTE);
    expect(endpoint.received).toEqual([]);
  });

  it('is cached for further callers', async () => {
    const token = await box.getToken();
    await runtime.advance(40 * MINUTE);
    expect(await box.getToken()).toBe(token);
    expect(box.peekToken()).toBe(token);
    expect(endpoint.received).toHaveLength(1);
  });

  it('is cached per subject, and the app’s own subject may be named or not', async () => {
    const own = await box.getToken();
    expect(await box.getToken({ subject: { type: 'enterprise', id: '1' } })).toBe(own);
    const user = await box.getToken({ subject: { type: 'user', id: '1' } });
    expect(user.value).not.toBe(own.value);
    expect(box.peekToken({ type: 'user', id: '1' })).toBe(user);
    expect(box.peekToken({ type: 'user', id: '2' })).toBeUndefined();
    expect(endpoint.received).toHaveLength(2);
  });

  it('shows its fingerprint when printed, and its value only as a property', async () => {
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

describe('A refresh', () => {
  it('runs in the background in the last ten minutes: one caller gets the old token, the next one the new token', async () => {
    const old = await box.getToken();
    await runtime.advance(50 * MINUTE);
    endpoint.script(endpoint.grant);
    expect(await box.getToken()).toBe(old);
    await settled();
    const renewed = await box.getToken();
    expect(renewed).not.toBe(old);
    expect(endpoint.received).toHaveLength(2);
  });

  it('starts a little earlier by chance, so that the processes of a fleet spread', async () => {
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

  it('that fails affects no caller while the old token is valid; then the error states since when', async () => {
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

  it('lets callers wait in the last minute, but not beyond the expiry of the old token', async () => {
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

  it('pauses longer after each failure, a minute at most', async () => {
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

  it('of a short-lived token uses margins of at most a quarter of its lifetime', async () => {
    endpoint.lifetimeS = 8;
    const first = await box.getToken();
    await runtime.advance(5_000);
    expect(await box.getToken()).toBe(first);
    await runtime.advance(1_000);
    expect(box.peekToken()).toBeUndefined();
    expect(await box.getToken()).not.toBe(first);
  });

  it('of a token with unknown lifetime starts when it is refused', async () => {
    endpoint.lifetimeS = undefined;
    const token = await box.getToken();
    expect(token.expiresAt).toBeUndefined();
    await runtime.advance(30 * 24 * 60 * MINUTE);
    expect(await box.getToken()).toBe(token);
    box.invalidate(token);
    expect(await box.getToken()).not.toBe(token);
  });

  it('is not caused by a demand of NaN', async () => {
    const token = await box.getToken();
    expect(await box.getToken({ minValidityMs: Number.NaN })).toBe(token);
  });

  it('starts for a caller that needs more validity than the token has left', async () => {
    const old = await box.getToken();
    await runtime.advance(20 * MINUTE);
    expect(await box.getToken({ minValidityMs: 30 * MINUTE })).toBe(old);
    const longer = await box.getToken({ minValidityMs: 45 * MINUTE });
    expect(longer).not.toBe(old);
    expect(await box.getToken({ minValidityMs: 24 * 60 * MINUTE })).toBe(longer);
    expect(endpoint.received).toHaveLength(2);
  });
});

describe('An expired token stays expired', () => {
  it.each([
    ['the wall clock is set back', () => runtime.jump(-5 * 60 * MINUTE), 60 * MINUTE],
    ['the machine slept', () => runtime.sleep(60 * MINUTE), 0],
    ['the wall clock is set ahead', () => runtime.jump(60 * MINUTE), 0],
  ])('when %s', async (_, change, thenMs) => {
    const old = await box.getToken();
    change();
    await runtime.advance(thenMs);
    expect(box.peekToken()).toBeUndefined();
    expect(await box.getToken()).not.toBe(old);
  });
});

describe('A refused token', () => {
  it('does not affect the current token if it is an older one', async () => {
    const old = await box.getToken();
    box.invalidate(old);
    const current = await box.getToken();
    box.invalidate(old);
    expect(await box.getToken()).toBe(current);
    expect(endpoint.received).toHaveLength(2);
  });

  it('that replaced a refused one is kept for 10 s, and its callers get token_refused_again', async () => {
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

  it('whose replacement fails is replaced after the usual pause', async () => {
    start({ tokenEndpoint: { attempts: 1 } });
    box.invalidate(await box.getToken());
    endpoint.script(refuse(endpoint, 503, 'unavailable', 'Unavailable'));
    expect((await thrownBy(() => box.getToken())).code).toBe('unavailable');
    await runtime.advance(1_000);
    await expect(box.getToken()).resolves.toBeDefined();
  });
});

/** Delays the next grant until the returned function is called. */
function holdNextGrant(): () => void {
  let release: () => void = () => undefined;
  const called = new Promise<void>((resolve) => {
    release = resolve;
  });
  endpoint.script((request) => called.then(() => endpoint.grant(request)));
  return release;
}

describe('A caller that aborts', () => {
  it('ends only its own wait', async () => {
    const grant = holdNextGrant();
    const controller = new AbortController();
    const nine = Array.from({ length: 9 }, () => box.getToken({ signal: controller.signal }));
    const tenth = box.getToken();
    await settled();
    controller.abort(new Error('gone'));
    for (const caller of nine) await expect(caller).rejects.toThrow('gone');
    grant();
    await expect(tenth).resolves.toBeDefined();
    expect(endpoint.received).toHaveLength(1);
  });

  it('does not cancel the token request, even if all callers abort', async () => {
    const grant = holdNextGrant();
    const controller = new AbortController();
    const only = box.getToken({ signal: controller.signal });
    await settled();
    controller.abort(new Error('gone'));
    await expect(only).rejects.toThrow('gone');
    grant();
    await settled();
    expect(box.peekToken()).toBeDefined();
  });

  it('before its call is rejected, even if a token is cached', async () => {
    await box.getToken();
    await expect(box.getToken({ signal: AbortSignal.abort(new Error('gone')) })).rejects.toThrow(
      'gone',
    );
  });
});

describe('flush', () => {
  it('forgets every token and abandons requests; waiting callers get a new token', async () => {
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
    expect(endpoint.maxInFlight).toBe(1);
  });

  it('forgets refused credentials: an app that was just authorized gets a token at once', async () => {
    endpoint.script(refuse(endpoint, 400, 'unauthorized_client', ''));
    await thrownBy(() => box.getToken());
    await thrownBy(() => box.getToken());
    box.flush();
    await expect(box.getToken()).resolves.toBeDefined();
  });
});

describe('token$', () => {
  it('emits the current token and each newer one, and completes on shutdown', async () => {
    const seen = lastValueFrom(box.token$().pipe(toArray()));
    await settled();
    await box.getToken({ subject: { type: 'user', id: '5' } });
    await runtime.advance(50 * MINUTE);
    await box.getToken();
    await settled();
    auth.close();
    expect((await seen).map(({ value }) => value)).toEqual(['token-1-for-1', 'token-3-for-1']);
  });

  it('of a user emits only the tokens of that user', async () => {
    const seen = lastValueFrom(box.token$({ type: 'user', id: '5' }).pipe(toArray()));
    await settled();
    await box.getToken();
    auth.close();
    expect((await seen).map(({ subject }) => subject.id)).toEqual(['5']);
  });
});

describe('Many subjects', () => {
  it('stay within the limit, which excludes the app’s own token', async () => {
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

  it('have one token request each at a time, even if they are evicted meanwhile', async () => {
    start({ maxSubjects: 1 });
    const waiting: (() => void)[] = [];
    endpoint.otherwise = async (received) => {
      await new Promise<void>((resolve) => waiting.push(resolve));
      return endpoint.grant(received);
    };
    const request = (id: string) => box.getToken({ subject: { type: 'user', id } });
    const all = [request('5'), request('6'), request('7'), request('5'), request('6')];
    await settled();
    expect(endpoint.received).toHaveLength(3);
    for (const respond of waiting) respond();
    const tokens = await Promise.all(all);
    expect(tokens.map(({ subject }) => subject.id)).toEqual(['5', '6', '7', '5', '6']);
  });
});

describe('An invalid option fails at startup with its name', () => {
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

describe('The error of an invalid address states how to fix it', () => {
  it.each([
    ['localhost:4000', 'with https:// before the host'],
    ['htp://127.0.0.1:4000', 'with https:// before the host'],
    ["'https://api.box.com'", 'without quotes around it'],
    ['https://api.box\n.com', 'an absolute URL'],
    ['https://api.b\tox.com', 'an absolute URL'],
    ['https://user:pass@api.box.com', 'without user, query or fragment'],
    ['https://api.box.com/2.0', 'without the API version at its end'],
    ['http://api.box.com', 'on loopback only'],
  ])('%s', async (apiUrl, problem) => {
    expect((await thrownBy(() => start({ apiUrl }))).message).toContain(problem);
  });

  it('and a mistyped option gets a hint with the right name', async () => {
    const { hint } = await thrownBy(() => start({ maxsubjects: 5 } as Partial<BoxAuthOptions>));
    expect(hint).toBe('Did you mean `maxSubjects`? Write it instead of `maxsubjects`.');
  });
});

describe('A subject', () => {
  it('does not change when the caller changes its object later', async () => {
    const subject = { type: 'user' as const, id: '' };
    const requests = ['11', '22', '33'].map((id) => {
      subject.id = id;
      return box.getToken({ subject });
    });
    const ids = (await Promise.all(requests)).map((token) => token.subject.id);
    expect(ids).toEqual(['11', '22', '33']);
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
  ])('is rejected when it is %o', async (invalid) => {
    const subject = invalid as unknown as Subject;
    expect((await thrownBy(() => box.getToken({ subject }))).code).toBe('subject_invalid');
    expect((await thrownBy(() => box.peekToken(subject))).code).toBe('subject_invalid');
    expect(endpoint.received).toEqual([]);
  });
});

describe('A subject that is kept warm', () => {
  it('gets a new token at once after a flush or a refusal', async () => {
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
    if (second === undefined) throw new Error('there is no token');
    box.invalidate(second);
    await settled();
    expect(box.peekToken({ type: 'user', id: '5' })).toBeDefined();
    auth.close();
    expect(runtime.timers).toBe(0);
  });

  it('is refreshed within a minute after the machine slept', async () => {
    start({ keepWarm: ['own'] });
    auth.keepWarm();
    await settled();
    runtime.sleep(2 * 3_600_000);
    await runtime.advance(60_000);
    expect(endpoint.received).toHaveLength(2);
    expect(auth.provider.peekToken()).toBeDefined();
  });

  it('has one timer, even if it is named twice', async () => {
    start({ keepWarm: ['own', 'own', { type: 'user', id: '5' }, { type: 'user', id: '5' }] });
    auth.keepWarm();
    await settled();
    expect(endpoint.received).toHaveLength(2);
    expect(runtime.timers).toBe(2);
    auth.close();
    expect(runtime.timers).toBe(0);
  });

  it('causes at most ten requests a second, even without pauses', async () => {
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
  it('may change with credentials from a function, and its old token can still be invalidated', async () => {
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
  it('is refreshed without any caller, and requested again after a failure', async () => {
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

  it('stays warm after a flush and after many other subjects', async () => {
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
