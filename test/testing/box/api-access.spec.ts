import { request as httpRequest } from 'node:http';
import { type BoxEmulator } from 'nestjs-box-auth/testing';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { get, mint, request } from './box-client.js';
import { startEmulator, type TestClock } from './emulator-fixture.js';

const INVALID_TOKEN =
  'Bearer realm="Service", error="invalid_token", error_description="The access token provided is invalid."';
const NO_TOKEN =
  'Bearer realm="Service", error="invalid_request", error_description="The access token was not found."';
const ACCESS_DENIED = {
  status: 403,
  json: {
    type: 'error',
    status: 403,
    code: 'access_denied_insufficient_permissions',
    message: 'Access denied - insufficient permission',
  },
};
const ME = '/2.0/users/me';

let clock: TestClock;
let emulator: BoxEmulator;
beforeEach(async () => {
  ({ clock, emulator } = await startEmulator());
});
afterEach(() => emulator.stop());

/** Alternating names and values: unlike fetch, node:http sends repeated headers separately. */
function statusWith(headers: readonly string[]): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    httpRequest(emulator.url + ME, { headers: ['host', 'emulator', ...headers] }, (response) => {
      response.resume().once('end', () => resolve(response.statusCode));
    })
      .once('error', reject)
      .end();
  });
}

describe('A bearer token', () => {
  test.each(['/2.0/users/me', '/2.0/nothing', '/api/2.0/files/content'])(
    'is required at %s',
    async (path) => {
      const response = await request(emulator.url + path);
      expect(response).toMatchObject({ status: 401, text: '' });
      expect(response.headers.get('www-authenticate')).toBe(NO_TOKEN);
    },
  );

  test('is rejected if it is unknown', async () => {
    const response = await get(emulator, ME, 'unknown');
    expect(response).toMatchObject({ status: 401, text: '' });
    expect(response.headers.get('www-authenticate')).toBe(INVALID_TOKEN);
  });

  test('is rejected in another scheme, and accepted in any spelling of Bearer', async () => {
    const token = await mint(emulator);
    expect(await statusWith(['authorization', `Basic ${token}`])).toBe(401);
    expect(await statusWith(['authorization', `bearer ${token}`])).toBe(200);
  });

  test('is valid until the last millisecond of its lifetime by Box’s clock', async () => {
    emulator.tokenLifetimeS = 60;
    const token = await mint(emulator);
    clock.nowMs += 59_999;
    expect(await get(emulator, ME, token)).toMatchObject({ status: 200 });
    clock.nowMs += 1;
    expect(await get(emulator, ME, token)).toMatchObject({ status: 401, text: '' });
  });

  test('is rejected if it is sent twice', async () => {
    const token = await mint(emulator);
    const headers = ['authorization', `Bearer ${token}`, 'authorization', `Bearer ${token}`];
    expect(await statusWith(headers)).toBe(400);
  });

  test('acts as its subject', async () => {
    for (const userId of [undefined, '22222']) {
      const id = userId ?? emulator.serviceAccountId;
      expect(await get(emulator, ME, await mint(emulator, userId))).toMatchObject({
        status: 200,
        json: { type: 'user', id },
      });
    }
  });
});

describe('as-user', () => {
  test('lets the service account act for a user', async () => {
    const token = await mint(emulator);
    expect(await get(emulator, ME, token, { 'as-user': '11111' })).toMatchObject({
      status: 200,
      json: { type: 'user', id: '11111', name: 'Alice', login: 'alice@example.com' },
    });
  });

  test('accepts a user that was added', async () => {
    emulator.addUser({ id: '33333', name: 'Carol', login: 'carol@example.com' });
    const token = await mint(emulator);
    expect(await get(emulator, ME, token, { 'as-user': '33333' })).toMatchObject({
      json: { name: 'Carol' },
    });
  });

  test.each(['', '99999', 'alice', '-11111', '1'.repeat(21), '11111, 22222'])(
    'is rejected for "%s"',
    async (actingUser) => {
      const token = await mint(emulator);
      expect(await get(emulator, ME, token, { 'as-user': actingUser })).toMatchObject(
        ACCESS_DENIED,
      );
    },
  );

  test('is rejected for the service account itself', async () => {
    const token = await mint(emulator);
    const headers = { 'as-user': emulator.serviceAccountId };
    expect(await get(emulator, ME, token, headers)).toMatchObject(ACCESS_DENIED);
  });

  test.each(['11111', '22222'])(
    'is rejected with the token of user 11111 for %s',
    async (actingUser) => {
      const token = await mint(emulator, '11111');
      expect(await get(emulator, ME, token, { 'as-user': actingUser })).toMatchObject(
        ACCESS_DENIED,
      );
    },
  );

  test('is rejected if the app may not use it', async () => {
    emulator.asUserEnabled = false;
    const token = await mint(emulator);
    expect(await get(emulator, ME, token, { 'as-user': '11111' })).toMatchObject(ACCESS_DENIED);
    expect(await get(emulator, ME, token)).toMatchObject({ status: 200 });
  });

  test('is rejected if it is sent twice', async () => {
    const token = await mint(emulator);
    const actingUser = ['as-user', '11111'];
    const headers = ['authorization', `Bearer ${token}`, ...actingUser, ...actingUser];
    expect(await statusWith(headers)).toBe(400);
  });

  test('is checked after the token: an expired token is a 401', async () => {
    expect(await get(emulator, ME, 'dead', { 'as-user': '99999' })).toMatchObject({ status: 401 });
  });
});

describe('The API', () => {
  test('lists the users to the service account only', async () => {
    const token = await mint(emulator);
    expect(await get(emulator, '/2.0/users', token)).toMatchObject({
      status: 200,
      json: { total_count: 2, entries: [{ id: '11111' }, { id: '22222' }] },
    });
    expect(await get(emulator, '/2.0/users', token, { 'as-user': '11111' })).toMatchObject(
      ACCESS_DENIED,
    );
  });

  test('responds to an unknown resource with Box’s JSON', async () => {
    const token = await mint(emulator);
    const response = await get(emulator, '/2.0/nothing', token);
    expect(response).toMatchObject({
      status: 404,
      json: {
        type: 'error',
        code: 'not_found',
        help_url:
          'https://developer.box.com/guides/api-calls/permissions-and-errors/common-errors/',
        request_id: response.headers.get('box-request-id'),
      },
    });
    expect(await request(`${emulator.url}/elsewhere`)).toMatchObject({ status: 404 });
  });

  test('responds to another method with the allowed ones', async () => {
    const response = await request(emulator.url + ME, {
      method: 'DELETE',
      headers: { authorization: `Bearer ${await mint(emulator)}` },
    });
    expect(response.status).toBe(405);
    expect(response.headers.get('allow')).toBe('GET');
  });

  test('serves a resource of the test after the same checks', async () => {
    emulator.route('GET', '/2.0/events', (_request, response) => {
      response.writeHead(200, { 'content-type': 'application/json' }).end('{"entries":[]}');
    });
    expect(await get(emulator, '/2.0/events?limit=1', 'dead')).toMatchObject({ status: 401 });
    const response = await get(emulator, '/2.0/events?limit=1', await mint(emulator));
    expect(response).toMatchObject({ status: 200, json: { entries: [] } });
    expect(response.headers.has('box-request-id')).toBe(true);
    expect(emulator.apiRequests.map(({ status }) => status)).toEqual([401, 200]);
  });

  test('serves other resources of the test without checks, with an unread body', async () => {
    emulator.route('POST', '/echo', (incoming, response) => {
      incoming.pipe(response);
    });
    const response = await request(`${emulator.url}/echo`, { method: 'POST', body: 'hello' });
    expect(response).toMatchObject({ status: 200, text: 'hello' });
  });

  test('reports an error in a resource of the test', async () => {
    emulator.route('GET', '/broken', () => {
      throw new Error('the test has a bug');
    });
    emulator.route('GET', '/half', (_request, response) => {
      response.write('{');
      throw new Error('the test has a bug');
    });
    const response = await request(`${emulator.url}/broken`);
    expect(response.status).toBe(500);
    expect(response.text).toContain('the test has a bug');
    await expect(request(`${emulator.url}/half`)).rejects.toThrow('terminated');
  });

  test('rejects an invalid request target', async () => {
    const { port } = new URL(emulator.url);
    const status = new Promise((resolve, reject) => {
      httpRequest({ port, path: '//[', agent: false }, ({ statusCode }) => resolve(statusCode))
        .once('error', reject)
        .end();
    });
    expect(await status).toBe(400);
  });
});
