import { beforeEach, describe, expect, it } from 'vitest';
import type { WorkfrontAuth } from '../../lib/workfront/workfront-auth.js';
import { FakeRuntime, settled } from '../support/fake-runtime.js';
import { refuse, type ScriptedEndpoint } from '../support/scripted-endpoint.js';
import { thrownBy } from '../support/thrown.js';
import { over, PROJECTS, ScriptedWorkfront } from './workfront-app.js';

const MINUTE = 60_000;
const BAD = '/attask/api/bad'; // answers 401 to everybody
const first = 'token-1-for-assertion';
const second = 'token-2-for-assertion';

let runtime: FakeRuntime;
let scripted: ScriptedWorkfront;
let exchange: ScriptedEndpoint;
let workfront: WorkfrontAuth;
beforeEach(() => {
  runtime = new FakeRuntime();
  runtime.randomValue = 0;
  scripted = new ScriptedWorkfront(runtime);
  ({ exchange } = scripted);
  workfront = scripted.app();
});

const getToken = () => over(runtime, workfront.provider.getToken());
const call = (path = PROJECTS) => over(runtime, workfront.fetch(path));
const many = <T>(count: number, work: () => Promise<T>) =>
  over(runtime, Promise.all(Array.from({ length: count }, work)));

describe('A session without a lifetime', () => {
  it.each([
    ['no expires_in', undefined],
    ['an expires_in of 0', 0],
  ])('(%s) is used until it is refused', async (_, lifetimeS) => {
    exchange.lifetimeS = lifetimeS;
    const session = await getToken();
    expect(session.expiresAt).toBeUndefined();
    await runtime.advance(90 * 24 * 60 * MINUTE);
    expect(workfront.provider.peekToken()).toBe(session);
    expect(await getToken()).toBe(session);
    expect(exchange.received).toHaveLength(1);

    scripted.ended.add(session.value);
    expect((await call()).status).toBe(200);
    expect(scripted.calls).toEqual([
      { path: PROJECTS, session: first },
      { path: PROJECTS, session: second },
    ]);
  });
});

describe('A session with a lifetime', () => {
  beforeEach(() => {
    exchange.lifetimeS = 3600;
  });

  it('is refreshed in the background before it expires', async () => {
    const old = await getToken();
    expect(old.expiresAt).toBe(runtime.now() + 60 * MINUTE);
    await runtime.advance(49 * MINUTE);
    expect(await getToken()).toBe(old);
    expect(exchange.received).toHaveLength(1);
    await runtime.advance(MINUTE);
    expect(await workfront.provider.getToken()).toBe(old);
    while (workfront.provider.peekToken() === old) await runtime.advance(0);
    expect((await getToken()).value).toBe(second);
    expect(exchange.received).toHaveLength(2);
  });

  it('is refreshed without any call with `keepWarm`', async () => {
    workfront = scripted.app({ keepWarm: true });
    workfront.keepWarm();
    while (workfront.provider.peekToken() === undefined) await runtime.advance(0);
    await runtime.advance(55 * MINUTE);
    while (exchange.received.length < 2) await runtime.advance(0);
    workfront.close();
    expect(exchange.received).toHaveLength(2);
  });

  it('is never used after it expires; the next call requests another one', async () => {
    await getToken();
    await runtime.advance(60 * MINUTE);
    expect(workfront.provider.peekToken()).toBeUndefined();
    expect((await getToken()).value).toBe(second);
  });

  it('is still used after a failed refresh', async () => {
    const old = await getToken();
    exchange.otherwise = refuse(exchange, 503, 'unavailable', '');
    await runtime.advance(55 * MINUTE);
    expect(await getToken()).toBe(old);
    await settled();
    expect((await call()).status).toBe(200);
    expect(scripted.calls.at(-1)?.session).toBe(first);
  });
});

describe('A thousand concurrent calls', () => {
  it('request one session if there is none', async () => {
    const answers = await many(1_000, () => workfront.fetch(PROJECTS));
    expect(answers.every(({ status }) => status === 200)).toBe(true);
    expect(exchange.received).toHaveLength(1);
    expect(scripted.calls).toHaveLength(1_000);
  });

  it('request one session after a 401, and each is repeated once', async () => {
    await getToken();
    scripted.ended.add(first);
    const answers = await many(1_000, () => workfront.fetch(PROJECTS));
    expect(answers.every(({ status }) => status === 200)).toBe(true);
    expect(exchange.received).toHaveLength(2);
    const sent = scripted.calls.map(({ session }) => session);
    expect(sent.filter((session) => session === first)).toHaveLength(1_000);
    expect(sent.filter((session) => session === second)).toHaveLength(1_000);
  });
});

describe('A route that responds to every session with 401', () => {
  it('returns its 401 after one more attempt', async () => {
    expect((await call(BAD)).status).toBe(401);
    expect(scripted.calls.map(({ session }) => session)).toEqual([first, second]);
  });

  it('costs one session in ten seconds, however often it is called, and costs other routes none', async () => {
    for (let round = 0; round < 50; round++) {
      // The answer, or why another session does not help so soon.
      const bad = workfront
        .fetch(BAD)
        .catch((error: unknown) =>
          expect(error).toMatchObject({ code: 'token_refused_again', retryable: true }),
        );
      await runtime.advance(100);
      await bad;
      expect((await call()).status).toBe(200);
    }
    expect(exchange.received).toHaveLength(2);
    expect(scripted.calls.filter(({ path }) => path === BAD).length).toBeLessThanOrEqual(51);
    expect(scripted.calls.filter(({ path }) => path === PROJECTS)).toHaveLength(50);

    await runtime.advance(10_000);
    expect((await call(BAD)).status).toBe(401);
    expect(exchange.received).toHaveLength(3);
  });

  it('causes no loop with a hundred concurrent calls', async () => {
    const answers = await many(100, () => workfront.fetch(BAD));
    expect(answers.every(({ status }) => status === 401)).toBe(true);
    expect(scripted.calls).toHaveLength(200);
    expect(exchange.received).toHaveLength(2);
  });
});

describe('The token provider', () => {
  it('invalidate forgets only the current session', async () => {
    const old = await getToken();
    workfront.provider.invalidate(old);
    const current = await getToken();
    workfront.provider.invalidate(old);
    expect(await getToken()).toBe(current);
    expect(exchange.received).toHaveLength(2);
  });

  it('token$ emits each session, and completes when the app is closed', async () => {
    const seen: string[] = [];
    const isOver = new Promise<void>((resolve) => {
      workfront.provider.token$().subscribe({
        next: ({ value }) => seen.push(value),
        complete: resolve,
      });
    });
    await getToken();
    workfront.provider.flush();
    await getToken();
    workfront.close();
    await isOver;
    expect(seen).toEqual([first, second]);
  });

  it('getHeaders returns only sessionID, and rejects the token endpoint and other hosts', async () => {
    const headers = workfront.provider.getHeaders(`https://acme.my.workfront.com${PROJECTS}`);
    expect(await over(runtime, headers)).toEqual({ sessionID: first });
    for (const url of [
      'https://acme.my.workfront.com/integrations/oauth2/api/v1/jwt/exchange',
      'https://acme.my.workfront.com/integrations//OAuth2/%61pi',
      'https://acme.my.workfront.com:8443/attask/api',
      'http://acme.my.workfront.com/attask/api',
      'https://other.my.workfront.com/attask/api',
      'https://acme.my.workfront.com.example.com/attask/api',
      'https://user@acme.my.workfront.com/attask/api',
      '/attask/api',
    ]) {
      const error = await thrownBy(() => workfront.provider.getHeaders(url));
      expect(error.code, url).toBe('origin_not_allowed');
      expect(error.hint).toContain('Workfront');
    }
  });

  it('a caller that aborts does not end the wait of other callers', async () => {
    const controller = new AbortController();
    const impatient = workfront.provider.getToken({ signal: controller.signal });
    const patient = workfront.provider.getToken();
    controller.abort(new Error('gone'));
    await expect(impatient).rejects.toThrow('gone');
    expect((await over(runtime, patient)).value).toBe(first);
  });
});
