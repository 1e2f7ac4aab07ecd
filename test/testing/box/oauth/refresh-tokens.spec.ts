import { type BoxEmulator } from 'nestjs-box-auth/testing';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { deferred } from '../../../support/deferred.js';
import {
  clientOf,
  type Fields,
  get,
  invalidGrant,
  oauthRefusal,
  postExchange,
  postForm,
  tokenIn,
} from '../box-client.js';
import { startEmulator, type TestClock } from '../emulator-fixture.js';
import {
  BOB,
  connect,
  oauthClientOf,
  type Pair,
  pairIn,
  postRefresh,
  refresh,
} from './oauth-requests.js';

const EXPIRED = invalidGrant('Refresh token has expired');
const UNKNOWN = invalidGrant('Invalid refresh token');
const DAY_MS = 86_400_000;

let clock: TestClock;
let emulator: BoxEmulator;
let first: Pair;
beforeEach(async () => {
  ({ clock, emulator } = await startEmulator());
  first = await connect(emulator);
});
afterEach(() => emulator.stop());

const statusOf = async ({ access }: Pair) => (await get(emulator, '/2.0/users/me', access)).status;

describe('A refresh', () => {
  test('replaces both tokens', async () => {
    const second = await refresh(emulator, first.refresh);
    expect(new Set([...Object.values(first), ...Object.values(second)]).size).toBe(4);
    expect(await statusOf(second)).toBe(200);
    expect(emulator.mints).toBe(2);
  });

  test('may come before the access token expires, and after it', async () => {
    const second = await refresh(emulator, first.refresh);
    clock.nowMs += 3_600_000;
    expect(await statusOf(second)).toBe(401);
    expect(await statusOf(await refresh(emulator, second.refresh))).toBe(200);
  });

  test('keeps the scopes of the consent', async () => {
    const { refresh: token } = await connect(emulator, BOB, { scope: 'root_readonly' });
    expect((await postRefresh(emulator, token)).json).toMatchObject({
      restricted_to: [{ scope: 'root_readonly' }],
    });
  });

  test.for<[string, Fields, object]>([
    ['an unknown token', { refresh_token: 'unknown' }, UNKNOWN],
    [
      'no token',
      { refresh_token: '' },
      oauthRefusal('invalid_request', 'Invalid grant_type parameter or parameter missing'),
    ],
    [
      'a wrong secret',
      { client_secret: 'wrong' },
      oauthRefusal('invalid_client', 'The client credentials are invalid'),
    ],
  ])('with %s is rejected, and uses no token', async ([, changes, expected]) => {
    expect(await postRefresh(emulator, first.refresh, changes)).toMatchObject(expected);
    emulator.refreshGrace = false;
    await refresh(emulator, first.refresh);
  });

  test('by the app with a key pair is rejected', async () => {
    expect(await postRefresh(emulator, first.refresh, clientOf(emulator))).toMatchObject({
      status: 400,
      json: { error: 'invalid_request' },
    });
  });

  test('is recorded with its grant and its user', async () => {
    await refresh(emulator, first.refresh);
    expect(emulator.tokenRequests.at(-1)).toMatchObject({
      body: { grant_type: 'refresh_token', refresh_token: first.refresh },
      subject: { type: 'user', id: '11111' },
      status: 200,
    });
  });
});

describe('A repeated refresh', () => {
  test('gets the same pair with the remaining lifetime', async () => {
    const second = await refresh(emulator, first.refresh);
    clock.nowMs += 10_500;
    const repeated = await postRefresh(emulator, first.refresh);
    expect(pairIn(repeated)).toEqual(second);
    expect(repeated.json).toMatchObject({ expires_in: 3589 });
    expect(emulator.mints).toBe(2);
  });

  test('gets the same pair for concurrent requests', async () => {
    const requests = Array.from({ length: 8 }, () => refresh(emulator, first.refresh));
    const pairs = await Promise.all(requests);
    expect(new Set(pairs.map(({ access }) => access)).size).toBe(1);
    expect(new Set(pairs.map((pair) => pair.refresh)).size).toBe(1);
  });

  test('is rejected once the new access token was used; then the old one ends too', async () => {
    const second = await refresh(emulator, first.refresh);
    expect(await statusOf(first)).toBe(200);
    expect(await statusOf(second)).toBe(200);
    expect(await statusOf(first)).toBe(401);
    expect(await postRefresh(emulator, first.refresh)).toMatchObject(EXPIRED);
    expect(await statusOf(second)).toBe(200);
  });

  test('is rejected once the new refresh token was used', async () => {
    const second = await refresh(emulator, first.refresh);
    const third = await refresh(emulator, second.refresh);
    expect(await postRefresh(emulator, first.refresh)).toMatchObject(EXPIRED);
    expect(await refresh(emulator, second.refresh)).toEqual(third);
    expect(await statusOf(first)).toBe(401);
    expect(await statusOf(second)).toBe(200);
  });

  test('is rejected once the new access token was downscoped', async () => {
    const second = await refresh(emulator, first.refresh);
    tokenIn(await postExchange(emulator, second.access, { scope: 'item_preview' }));
    expect(await postRefresh(emulator, first.refresh)).toMatchObject(EXPIRED);
  });

  test('is not rejected because a call with the new token failed at Box', async () => {
    const second = await refresh(emulator, first.refresh);
    emulator.failNext('api', { kind: 'unavailable' });
    expect(await statusOf(second)).toBe(503);
    expect(await refresh(emulator, first.refresh)).toEqual(second);
  });

  test.for(['it has expired', 'it was revoked'])(
    'gets another access token if the new one was not used before %s',
    async (reason) => {
      const second = await refresh(emulator, first.refresh);
      if (reason === 'it was revoked') emulator.revokeToken(second.access);
      else clock.nowMs += 3_600_000;
      const repeated = await refresh(emulator, first.refresh);
      expect(repeated.refresh).toBe(second.refresh);
      expect(await statusOf(repeated)).toBe(200);
    },
  );

  test('is rejected without the grace; the old access token lives until the new one is used', async () => {
    emulator.refreshGrace = false;
    const second = await refresh(emulator, first.refresh);
    expect(await postRefresh(emulator, first.refresh)).toMatchObject(EXPIRED);
    expect(await statusOf(first)).toBe(200);
    expect(await statusOf(second)).toBe(200);
    expect(await statusOf(first)).toBe(401);
    await refresh(emulator, second.refresh);
  });

  test('is rejected without the grace for all but one of concurrent requests', async () => {
    await emulator.stop();
    ({ emulator } = await startEmulator({ refreshGrace: false }));
    first = await connect(emulator);
    const requests = Array.from({ length: 4 }, () => postRefresh(emulator, first.refresh));
    const statuses = (await Promise.all(requests)).map(({ status }) => status);
    expect(statuses.filter((status) => status === 200)).toHaveLength(1);
    expect(statuses.filter((status) => status === 400)).toHaveLength(3);
  });
});

describe('A refresh token', () => {
  test('expires after 60 days without use', async () => {
    const second = await connect(emulator, BOB);
    clock.nowMs += 60 * DAY_MS - 1;
    const renewed = await refresh(emulator, second.refresh);
    expect(emulator.connections).toHaveLength(2);
    clock.nowMs += 1;
    expect(await postRefresh(emulator, first.refresh)).toMatchObject(EXPIRED);
    expect(emulator.connections).toMatchObject([
      { userId: BOB, refreshedAtMs: clock.nowMs - 1, expiresAtMs: clock.nowMs - 1 + 60 * DAY_MS },
    ]);
    expect(await postRefresh(emulator, second.refresh)).toMatchObject(EXPIRED);
    clock.nowMs += 60 * DAY_MS - 2;
    await refresh(emulator, renewed.refresh);
  });

  test('expires by the clock of Box', async () => {
    emulator.clockSkewMs = 60 * DAY_MS;
    expect(await postRefresh(emulator, first.refresh)).toMatchObject(EXPIRED);
    expect(emulator.connections).toEqual([]);
  });

  test('of another consent of the same user is independent', async () => {
    const other = await connect(emulator);
    const second = await refresh(emulator, first.refresh);
    expect(await statusOf(second)).toBe(200);
    expect(await statusOf(other)).toBe(200);
    await refresh(emulator, other.refresh);
  });

  test('survives the revocation of all access tokens', async () => {
    emulator.revokeAllTokens();
    expect(await statusOf(first)).toBe(401);
    expect(await statusOf(await refresh(emulator, first.refresh))).toBe(200);
  });
});

describe('A fault at a refresh', () => {
  test.for([
    { kind: 'status', status: 409 },
    { kind: 'rate-limit', retryAfter: 1 },
    { kind: 'unavailable' },
    { kind: 'refuse', error: 'invalid_grant', errorDescription: 'Invalid refresh token' },
  ] as const)('leaves the token unused: %o', async (fault) => {
    emulator.refreshGrace = false;
    emulator.failNext('token', fault);
    expect((await postRefresh(emulator, first.refresh)).status).toBeGreaterThanOrEqual(400);
    expect(emulator.mints).toBe(1);
    await refresh(emulator, first.refresh);
  });

  test('with processed loses the new pair, which the same token gets again', async () => {
    emulator.failNext('token', { kind: 'reset', processed: true });
    await expect(postRefresh(emulator, first.refresh)).rejects.toThrow('fetch failed');
    expect(emulator.mints).toBe(2);
    expect(await statusOf(await refresh(emulator, first.refresh))).toBe(200);
    expect(emulator.mints).toBe(2);
  });

  test.for([
    { kind: 'status', status: 409, processed: true },
    { kind: 'rate-limit', retryAfter: 1, processed: true },
    { kind: 'status', status: 502, processed: true },
    { kind: 'garbage', processed: true },
  ] as const)('with processed and without the grace loses the connection: %o', async (fault) => {
    emulator.refreshGrace = false;
    emulator.failNext('token', fault);
    await postRefresh(emulator, first.refresh);
    expect(await postRefresh(emulator, first.refresh)).toMatchObject(EXPIRED);
  });

  test('may hang after the refresh', async () => {
    emulator.failNext('token', { kind: 'hang', processed: true });
    const caller = new AbortController();
    const fields = {
      grant_type: 'refresh_token',
      ...oauthClientOf(emulator),
      refresh_token: first.refresh,
    };
    const init = { signal: caller.signal };
    const hanging = postForm(emulator, '/oauth2/token', fields, init);
    await vi.waitFor(() => expect(emulator.mints).toBe(2));
    caller.abort();
    await expect(hanging).rejects.toThrow('aborted');
  });

  test('may be chosen by request, and delay the response of a refresh that happened', async () => {
    const { promise: until, resolve } = deferred();
    emulator.onToken = ({ body }) =>
      body?.grant_type === 'refresh_token' ? { kind: 'hold', until, processed: true } : undefined;
    const held = postRefresh(emulator, first.refresh);
    await vi.waitFor(() => expect(emulator.mints).toBe(2));
    resolve();
    expect(await statusOf(pairIn(await held))).toBe(200);
  });
});
