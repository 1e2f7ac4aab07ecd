import { createConnection } from 'node:net';
import { type WorkfrontEmulator } from 'nestjs-box-auth/testing';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { type Fields, request } from '../box/box-client.js';
import { type TestClock } from '../box/emulator-fixture.js';
import { deferred } from '../../support/deferred.js';
import { get, lastReason, mint, postJwt, PROJECTS, startWorkfront } from './workfront-fixture.js';

const REFUSED = {
  status: 401,
  json: {
    error: {
      class: 'com.attask.common.AuthenticationException',
      message: 'You are not currently logged in',
    },
  },
};

let clock: TestClock;
let emulator: WorkfrontEmulator;
let session: string;
beforeEach(async () => {
  ({ clock, emulator } = await startWorkfront());
  session = await mint(emulator);
});
afterEach(() => emulator.stop());

describe('The API', () => {
  test.each([
    '/attask/api/v20.0/proj/search',
    '/attask/api/v9.0/proj/search',
    '/attask/api/proj/search',
  ])('accepts a session at %s', async (path) => {
    expect(await get(emulator, path, session)).toMatchObject({ status: 200 });
    expect(emulator.refusals).toEqual([]);
  });

  test.each([
    ['nothing', 'no-session', {}],
    ['an unknown session', 'unknown-session', { sessionID: 'unknown' }],
    ['an empty session', 'unknown-session', { sessionID: '' }],
  ])('rejects a call with %s', async (_what, reason, headers) => {
    expect(await request(emulator.url + PROJECTS, { headers })).toMatchObject(REFUSED);
    expect(emulator.refusals).toEqual([
      { target: 'api', reason, detail: expect.any(String), status: 401 },
    ]);
  });

  test('rejects the session as a bearer token, with or without the right header', async () => {
    const authorization = `Bearer ${session}`;
    for (const headers of [{ authorization }, { authorization, sessionID: session }]) {
      expect(await request(emulator.url + PROJECTS, { headers })).toMatchObject(REFUSED);
      expect(lastReason(emulator)).toBe('authorization-header');
    }
  });

  test('rejects the session in the URL', async () => {
    const response = await request(`${emulator.url}${PROJECTS}?sessionID=${session}`);
    expect(response).toMatchObject(REFUSED);
    expect(lastReason(emulator)).toBe('no-session');
  });

  test.each(['/attask/api', '/attask/api/', '/attask/api/unknown', '/internal/document/download'])(
    'asks for a session before it says what is at %s',
    async (path) => {
      expect(await request(emulator.url + path)).toMatchObject(REFUSED);
      expect(await get(emulator, path, session)).toMatchObject({ status: 404 });
    },
  );

  test('rejects two sessions in one call', async () => {
    const head = `GET ${PROJECTS} HTTP/1.1\r\nsessionID: ${session}\r\nsessionID: ${session}`;
    expect(await answerTo(head)).toMatch(/^HTTP\/1\.1 401 /);
    expect(lastReason(emulator)).toBe('no-session');
  });

  test('rejects an invalid request target', async () => {
    expect(await answerTo('GET //[ HTTP/1.1')).toMatch(/^HTTP\/1\.1 400 /);
  });

  /** Sends requests that no client would send. */
  async function answerTo(head: string): Promise<string> {
    const socket = createConnection(Number(new URL(emulator.url).port), '127.0.0.1');
    socket.end(`${head}\r\nhost: emulator\r\nconnection: close\r\n\r\n`);
    const chunks: Buffer[] = [];
    for await (const chunk of socket as AsyncIterable<Buffer>) chunks.push(chunk);
    return Buffer.concat(chunks).toString();
  }
});

describe('A session', () => {
  async function isAlive(value: string): Promise<boolean> {
    return (await get(emulator, PROJECTS, value)).status === 200;
  }

  test('is valid until it is ended, and others stay valid', async () => {
    const other = await mint(emulator);
    clock.nowMs += 365 * 24 * 3_600_000;
    expect(await isAlive(session)).toBe(true);
    emulator.endSession(session);
    expect(await get(emulator, PROJECTS, session)).toMatchObject(REFUSED);
    expect(lastReason(emulator)).toBe('ended-session');
    expect(await isAlive(other)).toBe(true);
  });

  test('ends with all others, but not with later ones', async () => {
    const other = await mint(emulator);
    emulator.endAllSessions();
    expect([await isAlive(session), await isAlive(other)]).toEqual([false, false]);
    expect(await isAlive(await mint(emulator))).toBe(true);
  });

  test('with an expires_in expires by Workfront’s clock', async () => {
    emulator.sessionLifetimeS = 60;
    const short = await mint(emulator);
    clock.nowMs += 59_999;
    expect(await isAlive(short)).toBe(true);
    emulator.clockSkewMs = 1;
    expect(await isAlive(short)).toBe(false);
    expect(lastReason(emulator)).toBe('ended-session');
    expect(await isAlive(session)).toBe(true);
  });

  test('with an expires_in of 0 does not expire', async () => {
    emulator.sessionLifetimeS = 0;
    const endless = await mint(emulator);
    clock.nowMs += 3_600_000;
    expect(await isAlive(endless)).toBe(true);
  });
});

describe('The limit of concurrent API requests', () => {
  /** Sends that many requests and holds them in the emulator. */
  async function hold(count: number, headers: Fields = { sessionID: session }) {
    const { promise: until, resolve: release } = deferred();
    emulator.always('api', { kind: 'hold', until });
    emulator.clearRequests();
    const held = Array.from({ length: count }, () => request(emulator.url + PROJECTS, { headers }));
    await vi.waitFor(() => expect(emulator.apiRequests).toHaveLength(count));
    return async () => {
      release();
      emulator.heal('api');
      return (await Promise.all(held)).map(({ status }) => status);
    };
  }

  test('rejects the eleventh request until another one has ended', async () => {
    const release = await hold(10);
    expect(await get(emulator, PROJECTS, session)).toMatchObject({
      status: 429,
      json: { error: { message: 'Too many concurrent API requests' } },
    });
    expect(emulator.refusals).toMatchObject([{ reason: 'too-many-requests', status: 429 }]);
    expect(await release()).toEqual(Array.from({ length: 10 }, () => 200));
    expect(await get(emulator, PROJECTS, session)).toMatchObject({ status: 200 });
    expect(emulator.mostConcurrentApiRequests).toBe(11);
  });

  test('does not count requests to the exchange', async () => {
    const release = await hold(10);
    expect(await postJwt(emulator)).toMatchObject({ status: 200 });
    await release();
    expect(emulator.mostConcurrentMints).toBe(1);
  });

  test('does not count requests whose client has left', async () => {
    const release = await hold(9);
    const caller = new AbortController();
    const left = Promise.allSettled([get(emulator, PROJECTS, session, { signal: caller.signal })]);
    await vi.waitFor(() => expect(emulator.apiRequests).toHaveLength(10));
    caller.abort();
    await left;
    emulator.heal('api');
    await vi.waitFor(async () => {
      expect(await get(emulator, PROJECTS, session)).toMatchObject({ status: 200 });
    });
    await release();
  });

  test('can be changed', async () => {
    emulator.maxConcurrentApiRequests = 1;
    const release = await hold(1);
    expect(await get(emulator, PROJECTS, session)).toMatchObject({ status: 429 });
    emulator.maxConcurrentApiRequests = Infinity;
    emulator.heal('api');
    expect(await get(emulator, PROJECTS, session)).toMatchObject({ status: 200 });
    expect(await release()).toEqual([200]);

    const { emulator: second } = await startWorkfront({ maxConcurrentApiRequests: 0 });
    const response = await get(second, PROJECTS, await mint(second));
    await second.stop();
    expect(response).toMatchObject({ status: 429 });
  });
});
