import { WorkfrontEmulator } from 'nestjs-box-auth/testing';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { WorkfrontAuth } from '../../lib/workfront/workfront-auth.js';
import { thrownBy } from '../support/thrown.js';
import { PROJECTS } from './workfront-app.js';

let emulator: WorkfrontEmulator;
beforeAll(async () => {
  emulator = await WorkfrontEmulator.start();
});
afterEach(() => {
  emulator.clockSkewMs = 0;
  emulator.heal();
  emulator.clearRequests();
});
afterAll(() => emulator.stop());

const app = () => new WorkfrontAuth({ url: emulator.url, ...emulator.credentials });

describe('A wrong clock', () => {
  it.each([
    ['five minutes slow', 300_000, 'expired'],
    ['five minutes fast', -300_000, 'expiry-too-far'],
    ['a day slow', 86_400_000, 'expired'],
    ['a day fast', -86_400_000, 'expiry-too-far'],
  ])('that is %s costs one more request, once', async (_, clockSkewMs, reason) => {
    emulator.clockSkewMs = clockSkewMs;
    const workfront = app();
    expect((await workfront.fetch(PROJECTS)).status).toBe(200);
    expect(emulator.exchangeRequests.map(({ status }) => status)).toEqual([400, 200]);
    expect(emulator.refusals.map((refusal) => refusal.reason)).toEqual([reason]);

    emulator.endAllSessions();
    expect((await workfront.fetch(PROJECTS)).status).toBe(200);
    expect(emulator.exchangeRequests.map(({ status }) => status)).toEqual([400, 200, 200]);
    workfront.close();
  });

  it('does not change the lifetime of a session', async () => {
    emulator.clockSkewMs = 300_000;
    emulator.sessionLifetimeS = 3600;
    const workfront = app();
    const { expiresAt = 0 } = await workfront.provider.getToken();
    emulator.sessionLifetimeS = null;
    // By Workfront's own clock, as its Date tells it: to the second.
    const byItsClock = Date.now() + 300_000 + 3_600_000;
    expect(Math.abs(expiresAt - byItsClock)).toBeLessThan(30_000);
    expect(workfront.provider.peekToken()).toBeDefined();
    workfront.close();
  });

  it('in the Date header of a gateway costs one more request, once', async () => {
    const throughGateway: typeof fetch = async (input, init) => {
      const response = await fetch(input, init);
      const headers = new Headers(response.headers);
      headers.set('date', new Date(Date.now() + 300_000).toUTCString());
      return new Response(response.body, { status: response.status, headers });
    };
    const workfront = new WorkfrontAuth({
      url: emulator.url,
      ...emulator.credentials,
      fetch: throughGateway,
    });
    for (const statuses of [[200], [400, 200], [200], [200]]) {
      emulator.clearRequests();
      emulator.endAllSessions();
      workfront.provider.flush();
      await workfront.provider.getToken();
      expect(emulator.exchangeRequests.map(({ status }) => status)).toEqual(statuses);
    }
    workfront.close();
  });

  it('is not reported for an error response with another cause', async () => {
    emulator.clockSkewMs = 300_000;
    const workfront = new WorkfrontAuth({
      url: emulator.url,
      ...emulator.credentials,
      customerId: emulator.credentials.clientId,
    });
    expect((await thrownBy(() => workfront.provider.getToken())).code).toBe(
      'token_request_refused',
    );
    expect(emulator.refusals.map(({ reason }) => reason)).toEqual(['issuer', 'issuer']);
    workfront.close();
  });

  it.each([
    [1, 'assertion_expired'],
    [-1, 'assertion_not_yet_valid'],
  ])('of Workfront that keeps changing is reported (%i)', async (direction, code) => {
    let requests = 0;
    emulator.onExchange = () => {
      emulator.clockSkewMs = direction * 3_600_000 * ++requests;
      return {
        kind: 'refuse',
        error: 'invalid_grant',
        errorDescription: 'Invalid JWT',
      };
    };
    emulator.clockSkewMs = direction * 3_600_000;
    const workfront = app();
    const error = await thrownBy(() => workfront.provider.getToken());
    emulator.onExchange = undefined;
    expect(error).toMatchObject({ code, status: 400, retryable: false });
    expect(error.hint).toContain('NTP');
    workfront.close();
  });
});
