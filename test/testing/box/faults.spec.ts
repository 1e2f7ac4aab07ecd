import { type BoxEmulator } from 'nestjs-box-auth/testing';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import {
  clientOf,
  get,
  mint,
  oauthRefusal,
  postAssertion,
  postClientCredentials,
  postForm,
  request,
  send,
} from './box-client.js';
import { deferred } from '../../support/deferred.js';
import { startEmulator } from './emulator-fixture.js';
import { makeAssertion } from './hand-made-assertion.js';

const ME = '/2.0/users/me';

let emulator: BoxEmulator;
beforeEach(async () => {
  ({ emulator } = await startEmulator());
});
afterEach(() => emulator.stop());

describe('A fault', () => {
  test('applies as often as requested', async () => {
    emulator.failNext('token', { kind: 'unavailable' }, 2);
    const statuses: number[] = [];
    for (let count = 0; count < 3; count += 1) {
      statuses.push((await postClientCredentials(emulator)).status);
    }
    expect(statuses).toEqual([503, 503, 200]);
    expect(emulator.tokenRequests.map(({ status }) => status)).toEqual(statuses);
    expect(emulator.mints).toBe(1);
  });

  test('queues behind others, and failNext goes before always', async () => {
    emulator.always('token', { kind: 'status', status: 500 });
    emulator.failNext('token', { kind: 'status', status: 502 });
    emulator.failNext('token', { kind: 'status', status: 504 });
    const statuses: number[] = [];
    for (let count = 0; count < 4; count += 1) {
      statuses.push((await postClientCredentials(emulator)).status);
    }
    emulator.heal('token');
    statuses.push((await postClientCredentials(emulator)).status);
    expect(statuses).toEqual([502, 504, 500, 500, 200]);
  });

  test('applies only to its target, and heal without a target removes all', async () => {
    const token = await mint(emulator);
    for (const target of ['api', 'download', 'revoke'] as const) {
      emulator.always(target, { kind: 'status', status: 500 });
    }
    const fields = { ...clientOf(emulator), token: 'unknown' };
    const statuses = async () => [
      (await postClientCredentials(emulator)).status,
      (await get(emulator, ME, token)).status,
      (await request(emulator.downloadUrl)).status,
      (await postForm(emulator, '/oauth2/revoke', fields)).status,
    ];
    expect(await statuses()).toEqual([200, 500, 500, 500]);
    emulator.heal();
    expect(await statuses()).toEqual([200, 200, 404, 200]);
  });

  test('may apply to one endpoint only, before the faults of all', async () => {
    const token = await mint(emulator);
    emulator.failNext('GET /2.0/folders/:id', { kind: 'status', status: 502 });
    emulator.always('api', { kind: 'status', status: 500 });
    const statuses: number[] = [];
    for (const path of [ME, '/2.0/folders/0', '/2.0/folders/0']) {
      statuses.push((await get(emulator, path, token)).status);
    }
    emulator.heal('api');
    statuses.push((await get(emulator, ME, token)).status);
    expect(statuses).toEqual([500, 502, 500, 200]);
  });

  test('is rejected for an endpoint that the emulator does not have', () => {
    const fault = { kind: 'unavailable' } as const;
    for (const target of ['GET /2.0/file/:id', 'GET /2.0/files/123'] as const) {
      expect(() => emulator.failNext(target, fault)).toThrow(TypeError);
      expect(() => emulator.always(target, fault)).toThrow('Invalid fault target');
    }
  });

  test('may be chosen by request', async () => {
    emulator.onToken = ({ body }) =>
      body?.box_subject_type === 'user' ? { kind: 'unavailable' } : undefined;
    const user = { box_subject_type: 'user', box_subject_id: '11111' };
    expect(await postClientCredentials(emulator, user)).toMatchObject({ status: 503 });
    expect(await postClientCredentials(emulator)).toMatchObject({ status: 200 });
  });
});

describe('A fault with processed', () => {
  test('replaces the response of a request that was processed', async () => {
    const token = await mint(emulator);
    emulator.failNext('POST /2.0/folders', { kind: 'status', status: 502, processed: true });
    const json = { name: 'Plans', parent: { id: '0' } };
    const statuses: number[] = [];
    for (let count = 0; count < 2; count += 1) {
      statuses.push((await send(emulator, 'POST /2.0/folders', token, { json })).status);
    }
    expect(statuses).toEqual([502, 409]);
    expect(emulator.apiRequests.map(({ status }) => status)).toEqual(statuses);
  });

  test('loses a token that was issued', async () => {
    emulator.failNext('token', { kind: 'reset', processed: true });
    await expect(postClientCredentials(emulator)).rejects.toThrow('fetch failed');
    expect(emulator.mints).toBe(1);
    expect(emulator.tokenRequests[0]).not.toHaveProperty('status');
  });

  test('delays the response, not the processing', async () => {
    const { promise: until, resolve } = deferred();
    emulator.failNext('token', { kind: 'hold', until, processed: true });
    const response = postClientCredentials(emulator);
    await vi.waitFor(() => expect(emulator.mints).toBe(1));
    expect(emulator.tokenRequests[0]).not.toHaveProperty('status');
    resolve();
    expect(await response).toMatchObject({ status: 200 });
  });

  test('does not call a resource of a test', async () => {
    const handler = vi.fn<() => void>();
    emulator.route('GET', '/health', handler);
    emulator.failNext('api', { kind: 'unavailable', processed: true });
    expect(await get(emulator, '/health', 'any')).toMatchObject({ status: 503 });
    expect(handler).not.toHaveBeenCalled();
  });
});

describe('The fault', () => {
  test('status sends the given headers and body', async () => {
    emulator.failNext('api', {
      kind: 'status',
      status: 418,
      headers: { 'x-teapot': 'short' },
      body: { stout: true },
    });
    const response = await get(emulator, ME, 'any');
    expect(response).toMatchObject({ status: 418, json: { stout: true } });
    expect(response.headers.get('x-teapot')).toBe('short');
  });

  test.each([2, 'Tue, 06 May 2031 07:09:09 GMT'])(
    'rate-limit sends Retry-After: %s',
    async (retryAfter) => {
      emulator.failNext('api', { kind: 'rate-limit', retryAfter });
      const response = await get(emulator, ME, 'any');
      expect(response).toMatchObject({
        status: 429,
        json: {
          type: 'error',
          code: 'rate_limit_exceeded',
          message: 'Request rate limit exceeded, please try again later',
        },
      });
      expect(response.headers.get('retry-after')).toBe(String(retryAfter));
    },
  );

  test('rate-limit and unavailable send OAuth errors at the token endpoint', async () => {
    emulator.failNext('token', { kind: 'rate-limit', retryAfter: 7 });
    const response = await postClientCredentials(emulator);
    expect(response).toMatchObject(
      oauthRefusal(
        'rate_limit_exceeded',
        'Request rate limit exceeded, please try again later',
        429,
      ),
    );
    expect(response.headers.get('retry-after')).toBe('7');
    emulator.failNext('revoke', { kind: 'unavailable' });
    expect(await postForm(emulator, '/oauth2/revoke', {})).toMatchObject(
      oauthRefusal('temporarily_unavailable', 'Unavailable', 503),
    );
  });

  test('unavailable sends a 503 of Box', async () => {
    emulator.failNext('api', { kind: 'unavailable' });
    expect(await get(emulator, ME, 'any')).toMatchObject({
      status: 503,
      json: { type: 'error', status: 503, code: 'unavailable', message: 'Unavailable' },
    });
  });

  test('refuse sends an OAuth error', async () => {
    emulator.failNext('token', {
      kind: 'refuse',
      error: 'unauthorized_client',
      errorDescription: 'No',
    });
    expect(await postClientCredentials(emulator)).toMatchObject({
      status: 400,
      json: { error: 'unauthorized_client', error_description: 'No' },
    });
  });

  test('redirect sends a 302', async () => {
    emulator.failNext('token', { kind: 'redirect', location: 'https://example.com/' });
    const response = await postClientCredentials(emulator);
    expect(response.status).toBe(302);
    expect(response.headers.get('location')).toBe('https://example.com/');
  });

  test('garbage sends a 200 with HTML or the given body', async () => {
    emulator.failNext('token', { kind: 'garbage' });
    emulator.failNext('token', { kind: 'garbage', body: '{"a', contentType: 'text/plain' });
    const html = await postClientCredentials(emulator);
    expect(html.status).toBe(200);
    expect(html.headers.get('content-type')).toBe('text/html; charset=utf-8');
    expect(await postClientCredentials(emulator)).toMatchObject({ status: 200, text: '{"a' });
  });

  test('huge sends data until the client disconnects', async () => {
    emulator.failNext('token', { kind: 'huge' });
    const response = await fetch(`${emulator.url}/oauth2/token`, { method: 'POST' });
    expect(response.headers.get('content-type')).toBe('application/json');
    const reader = response.body?.getReader();
    const first = await reader?.read();
    expect(first?.done).toBe(false);
    await reader?.cancel();
    expect(emulator.tokenRequests[0]?.status).toBe(200);
  });

  test('huge ends at 64 MiB', async () => {
    emulator.failNext('download', { kind: 'huge' });
    const response = await fetch(emulator.downloadUrl);
    const { byteLength } = await response.arrayBuffer();
    expect(byteLength / 2 ** 20).toBeCloseTo(64, 4);
  });

  test('delay sends the regular response later', async () => {
    emulator.failNext('token', { kind: 'delay', ms: 30 });
    const startedAtMs = performance.now();
    expect(await postClientCredentials(emulator)).toMatchObject({ status: 200 });
    expect(performance.now() - startedAtMs).toBeGreaterThan(25);
  });

  test.each(['resolves', 'rejects'])('hold waits until its promise %s', async (how) => {
    const { promise: until, resolve, reject } = deferred();
    emulator.always('token', { kind: 'hold', until });
    const assertions = Array.from({ length: 12 }, () => makeAssertion(emulator.config));
    const responses = Promise.all(assertions.map((each) => postAssertion(emulator, each)));
    await vi.waitFor(() => expect(emulator.tokenRequests).toHaveLength(12));
    expect(emulator.mints).toBe(0);
    expect(emulator.tokenRequests[0]).not.toHaveProperty('status');
    if (how === 'resolves') resolve();
    else reject(new Error('over'));
    expect((await responses).every(({ status }) => status === 200)).toBe(true);
    expect(emulator.mostConcurrentMints).toBe(12);
  });

  test.each(['token', 'api'] as const)(
    'hold leaves no status when the client of the %s is gone before it ends',
    async (target) => {
      const { promise: until, resolve } = deferred();
      const caller = new AbortController();
      emulator.failNext(target, { kind: 'hold', until });
      const path = target === 'token' ? '/oauth2/token' : ME;
      const init = { method: 'POST', signal: caller.signal };
      const response = Promise.allSettled([request(emulator.url + path, init)]);
      await vi.waitFor(() => expect(emulator.requests).toHaveLength(1));
      caller.abort();
      await response;
      // Each round trip gives the emulator time to notice that the client has left, and to end the held request.
      expect(await get(emulator, ME, 'any')).toMatchObject({ status: 401 });
      resolve();
      expect(await get(emulator, ME, 'any')).toMatchObject({ status: 401 });
      expect(emulator.requests[0]).not.toHaveProperty('status');
    },
  );

  test('reset resets the connection', async () => {
    emulator.failNext('api', { kind: 'reset' });
    await expect(get(emulator, ME, 'any')).rejects.toMatchObject({
      cause: { code: 'ECONNRESET' },
    });
    expect(emulator.apiRequests).toHaveLength(1);
    expect(emulator.apiRequests[0]).not.toHaveProperty('status');
  });

  test('hang sends no response', async () => {
    emulator.failNext('api', { kind: 'hang' });
    const caller = new AbortController();
    const response = request(emulator.url + ME, { signal: caller.signal });
    await vi.waitFor(() => expect(emulator.apiRequests).toHaveLength(1));
    caller.abort();
    await expect(response).rejects.toThrow('aborted');
    expect(emulator.apiRequests[0]).not.toHaveProperty('status');
  });

  test('for downloads applies to the second origin', async () => {
    emulator.failNext('download', { kind: 'unavailable' });
    expect(await request(`${emulator.downloadUrl}/download`)).toMatchObject({ status: 503 });
    expect(emulator.downloadRequests).toMatchObject([{ path: '/download', status: 503 }]);
  });
});
