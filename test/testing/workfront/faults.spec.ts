import { type WorkfrontEmulator } from 'nestjs-box-auth/testing';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { request } from '../box/box-client.js';
import { deferred } from '../../support/deferred.js';
import { get, makeJwt, mint, postJwt, PROJECTS, startWorkfront } from './workfront-fixture.js';

let emulator: WorkfrontEmulator;
beforeEach(async () => {
  ({ emulator } = await startWorkfront());
});
afterEach(() => emulator.stop());

describe('A fault', () => {
  test('applies as often as requested', async () => {
    emulator.failNext('exchange', { kind: 'unavailable' }, 2);
    const statuses: number[] = [];
    for (let count = 0; count < 3; count += 1) statuses.push((await postJwt(emulator)).status);
    expect(statuses).toEqual([503, 503, 200]);
    expect(emulator.exchangeRequests.map(({ status }) => status)).toEqual(statuses);
    expect(emulator.mints).toBe(1);
    expect(emulator.refusals).toEqual([]);
  });

  test('applies only to its target, and heal without a target removes all', async () => {
    const session = await mint(emulator);
    const statuses = async () => [
      (await postJwt(emulator)).status,
      (await get(emulator, PROJECTS, session)).status,
      (await request(emulator.downloadUrl)).status,
    ];
    const expected = { exchange: [500, 200, 404], api: [200, 500, 404], download: [200, 200, 500] };
    for (const target of ['exchange', 'api', 'download'] as const) {
      emulator.always(target, { kind: 'status', status: 500 });
      expect(await statuses()).toEqual(expected[target]);
      emulator.heal(target);
    }
    for (const target of ['exchange', 'api', 'download'] as const) {
      emulator.always(target, { kind: 'status', status: 500 });
    }
    expect(await statuses()).toEqual([500, 500, 500]);
    emulator.heal();
    expect(await statuses()).toEqual([200, 200, 404]);
  });

  test('may be chosen by request, before queued faults', async () => {
    const seen: unknown[] = [];
    emulator.failNext('exchange', { kind: 'status', status: 502 });
    emulator.onExchange = ({ body, subject }) => {
      seen.push(subject);
      return body?.client_secret === 'guessed' ? { kind: 'unavailable' } : undefined;
    };
    expect(await postJwt(emulator, undefined, { client_secret: 'guessed' })).toMatchObject({
      status: 503,
    });
    expect(await postJwt(emulator)).toMatchObject({ status: 502 });
    expect(await postJwt(emulator)).toMatchObject({ status: 200 });
    const subject = { type: 'user', id: emulator.credentials.userId };
    expect(seen).toEqual([subject, subject, subject]);
  });
});

describe('A fault uses the format of Workfront', () => {
  test('for a rate limit', async () => {
    emulator.failNext('exchange', { kind: 'rate-limit', retryAfter: 2 });
    const response = await postJwt(emulator);
    expect(response).toMatchObject({
      status: 429,
      json: { error: { class: 'com.attask.common.TooManyRequestsException' } },
    });
    expect(response.headers.get('retry-after')).toBe('2');
  });

  test('for unavailable', async () => {
    emulator.failNext('api', { kind: 'unavailable' });
    const response = await get(emulator, PROJECTS, 'any');
    expect(response).toMatchObject({
      status: 503,
      json: { error: { class: 'com.attask.common.UnavailableException' } },
    });
    expect(response.headers.get('box-request-id')).toBeNull();
  });

  test('for garbage', async () => {
    emulator.failNext('exchange', { kind: 'garbage' });
    expect(await postJwt(emulator)).toMatchObject({
      status: 200,
      text: expect.stringContaining('This is not Workfront.'),
    });
  });
});

describe('Requests to the exchange', () => {
  test('are counted while they are concurrent', async () => {
    const { promise: until, resolve: release } = deferred();
    emulator.always('exchange', { kind: 'hold', until });
    const jwts = await Promise.all(Array.from({ length: 12 }, () => makeJwt(emulator)));
    const responses = Promise.all(jwts.map((jwt) => postJwt(emulator, jwt)));
    await vi.waitFor(() => expect(emulator.exchangeRequests).toHaveLength(12));
    expect(emulator.mints).toBe(0);
    release();
    expect((await responses).every(({ status }) => status === 200)).toBe(true);
    expect(emulator.mostConcurrentMints).toBe(12);
    expect(emulator.mints).toBe(12);
  });

  test('are not counted as concurrent if they are sequential', async () => {
    for (let count = 0; count < 20; count += 1) await postJwt(emulator);
    expect(emulator.mostConcurrentMints).toBe(1);
  });
});
