import { HealthIndicatorService } from '@nestjs/terminus';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { BoxTokenProvider } from 'nestjs-box-auth';
import { BoxHealthIndicator } from 'nestjs-box-auth/terminus';
import { BoxAuth } from '../../lib/box/box-auth.js';
import type { BoxAuthOptions } from '../../lib/box/box-auth.options.js';
import { FakeRuntime, settled } from '../support/fake-runtime.js';
import { refuse, ScriptedEndpoint, silence } from '../support/scripted-endpoint.js';
import { OTHER_TENANT, TENANT, TenantBox, tenantApp, unauthorized } from '../support/tenant-box.js';
import { thrownBy } from '../support/thrown.js';

const MINUTE = 60_000;
const credentials = {
  clientId: 'q1w2e3r4t5z6u7i8',
  clientSecret: 'q9LmZx3VbN7tRw2KcY8pDf5GhJ4sAe6U',
  enterpriseId: '7654321',
};
const EXPIRES_AT = '2026-03-01T13:00:00.000Z';

let runtime: FakeRuntime;
let endpoint: ScriptedEndpoint;
let auth: BoxAuth;
let health: BoxHealthIndicator;
beforeEach(() => {
  runtime = new FakeRuntime();
  runtime.randomValue = 0;
  endpoint = new ScriptedEndpoint(runtime);
  auth = new BoxAuth({
    credentials,
    fetch: endpoint.fetch,
    runtime,
    tokenEndpoint: { attempts: 1 },
  });
  health = new BoxHealthIndicator(auth.provider, new HealthIndicatorService());
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
  auth.close();
});

const unavailable = () => refuse(endpoint, 503, 'unavailable', 'Unavailable');

describe('Box is healthy', () => {
  it('with a token, which the first check requests once', async () => {
    const healthy = { box: { status: 'up', state: 'healthy', expiresAt: EXPIRES_AT } };
    expect(await health.isHealthy('box')).toEqual(healthy);
    expect(await health.isHealthy('box')).toEqual(healthy);
    expect(endpoint.received).toHaveLength(1);
  });

  it('with a token of unknown lifetime', async () => {
    endpoint.lifetimeS = undefined;
    expect(await health.isHealthy('box')).toEqual({ box: { status: 'up', state: 'healthy' } });
  });

  it('while checks alone refresh the token in time', async () => {
    await health.isHealthy('box');
    await runtime.advance(50 * MINUTE);
    expect(await health.isHealthy('box')).toMatchObject({ box: { expiresAt: EXPIRES_AT } });
    await settled();
    expect(await health.isHealthy('box')).toEqual({
      box: { status: 'up', state: 'healthy', expiresAt: '2026-03-01T13:50:00.000Z' },
    });
    expect(endpoint.received).toHaveLength(2);
  });

  it('again when token requests succeed again', async () => {
    endpoint.script(unavailable());
    await health.isHealthy('box');
    await runtime.advance(MINUTE);
    expect(await health.isHealthy('box')).toMatchObject({ box: { state: 'healthy' } });
  });
});

describe('Box is degraded', () => {
  /** A token that should have been renewed ten minutes before its end, and was not. */
  async function failToRenew(): Promise<void> {
    await auth.provider.getToken();
    endpoint.otherwise = unavailable();
    await runtime.advance(50 * MINUTE);
    await auth.provider.getToken();
    await settled();
  }
  const degraded = {
    state: 'degraded',
    code: 'unavailable',
    hint: expect.stringContaining('status.box.com') as string,
    since: '2026-03-01T12:50:00.000Z',
    expiresAt: EXPIRES_AT,
  };

  it('while the old token is valid and cannot be refreshed, with reason, start and expiry', async () => {
    await failToRenew();
    expect(await health.isHealthy('box')).toEqual({ box: { status: 'degraded', ...degraded } });
    await runtime.advance(5 * MINUTE);
    expect(await health.isHealthy('box')).toEqual({ box: { status: 'degraded', ...degraded } });
  });

  it('in the last minute, too, when callers first wait for the new token', async () => {
    await failToRenew();
    await runtime.advance(9.5 * MINUTE);
    expect(await health.isHealthy('box')).toEqual({ box: { status: 'degraded', ...degraded } });
  });

  it('when a refresh in the last minute takes longer than the check', async () => {
    await auth.provider.getToken();
    endpoint.otherwise = silence;
    await runtime.advance(59 * MINUTE);
    expect(await health.isHealthy('box', { timeoutMs: 1 })).toEqual({
      box: {
        status: 'degraded',
        state: 'degraded',
        code: 'timeout',
        hint: 'A token request is in progress and takes longer than this check.',
        expiresAt: EXPIRES_AT,
      },
    });
  });

  it('but up for terminus 11, which has no such status', async () => {
    await failToRenew();
    const terminus11 = new HealthIndicatorService();
    vi.spyOn(terminus11, 'check').mockImplementation((key) =>
      Object.assign(new HealthIndicatorService().check(key), { degraded: undefined }),
    );
    const indicator = new BoxHealthIndicator(auth.provider, terminus11);
    expect(await indicator.isHealthy('box')).toEqual({ box: { status: 'up', ...degraded } });
  });
});

describe('Box is down', () => {
  it('when no token is available, with reason and start', async () => {
    endpoint.otherwise = refuse(endpoint, 400, 'unauthorized_client', 'This app is not authorized');
    const down = {
      box: {
        status: 'down',
        state: 'down',
        code: 'app_not_authorized',
        hint: expect.stringContaining('Ask an admin') as string,
        since: '2026-03-01T12:00:00.000Z',
      },
    };
    expect(await health.isHealthy('box')).toEqual(down);
    await runtime.advance(10_000);
    expect(await health.isHealthy('box')).toEqual(down);
    expect(endpoint.received, 'a refusal is remembered').toHaveLength(1);
  });

  it('once the old token has expired', async () => {
    await auth.provider.getToken();
    endpoint.otherwise = unavailable();
    await runtime.advance(61 * MINUTE);
    expect(await health.isHealthy('box')).toMatchObject({ box: { status: 'down', state: 'down' } });
  });

  it('when no token arrives in time, while other callers keep waiting', async () => {
    endpoint.script(silence);
    expect(await health.isHealthy('box', { timeoutMs: 1 })).toEqual({
      box: {
        status: 'down',
        state: 'down',
        code: 'timeout',
        hint: 'A token request is in progress and takes longer than this check.',
      },
    });
    expect(endpoint.inFlight).toBe(1);
  });

  it('after the app was shut down', async () => {
    auth.close();
    expect(await health.isHealthy('box')).toMatchObject({
      box: { status: 'down', code: 'closed' },
    });
  });
});

describe('A check', () => {
  it.each([
    [2_000, {}],
    [500, { timeoutMs: 500 }],
  ])('waits %i ms with the options %j', async (waitMs, options) => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
    endpoint.otherwise = silence;
    let isOver = false;
    const check = health.isHealthy('box', options).finally(() => (isOver = true));
    await vi.advanceTimersByTimeAsync(waitMs - 1);
    expect(isOver).toBe(false);
    await vi.advanceTimersByTimeAsync(1);
    expect(await check).toMatchObject({ box: { status: 'down', code: 'timeout' } });
    expect(vi.getTimerCount()).toBe(0);
  });

  it.each([NaN, -1, 1.5, Infinity, 2 ** 31, 1e10, 'x', null, {}])(
    'cannot wait %j ms',
    async (timeoutMs) => {
      const options = { timeoutMs: timeoutMs as number };
      expect(await thrownBy(() => health.isHealthy('box', options))).toMatchObject({
        code: 'option_invalid',
        message: `Invalid timeoutMs of BoxHealthIndicator.isHealthy: expected a whole number from 0 to 2147483647${
          typeof timeoutMs === 'number' ? `, received ${timeoutMs}` : ''
        }.`,
      });
      expect(endpoint.received).toEqual([]);
    },
  );

  it.each([0, 2 ** 31 - 1, undefined])('can wait %j ms', async (timeoutMs) => {
    await auth.provider.getToken();
    expect(await health.isHealthy('box', { timeoutMs })).toMatchObject({ box: { status: 'up' } });
  });

  it.each([null, 5, 'x'])('rejects %j as its options', async (options) => {
    expect(
      await thrownBy(() => health.isHealthy('box', options as unknown as object)),
    ).toMatchObject({
      code: 'option_invalid',
      message: 'Invalid options of BoxHealthIndicator.isHealthy: expected an object.',
    });
  });

  it('ignores a Date header far in the future', async () => {
    const date = 'Sat, 13 Sep 275760 00:00:00 GMT';
    endpoint.script(() =>
      endpoint.json(
        200,
        { access_token: 'token', token_type: 'bearer', expires_in: 3600 },
        { date },
      ),
    );
    expect(await health.isHealthy('box')).toMatchObject({ box: { expiresAt: EXPIRES_AT } });
  });

  it('leaves out a time that no Date can hold', async () => {
    const LAST_MS = 8.64e15;
    runtime = new FakeRuntime(LAST_MS - 5 * MINUTE);
    endpoint = new ScriptedEndpoint(runtime);
    auth.close();
    auth = new BoxAuth({ credentials, fetch: endpoint.fetch, runtime });
    health = new BoxHealthIndicator(auth.provider, new HealthIndicatorService());
    expect(await health.isHealthy('box')).toEqual({ box: { status: 'up', state: 'healthy' } });
  });

  it('accepts a test double of the provider', async () => {
    const standIn = (getToken: () => Promise<unknown>) =>
      new BoxHealthIndicator(
        { getToken } as unknown as BoxTokenProvider,
        new HealthIndicatorService(),
      );
    const token = await auth.provider.getToken();
    expect(await standIn(() => Promise.resolve(token)).isHealthy('box')).toEqual({
      box: { status: 'up', state: 'healthy' },
    });
    // What is no refusal is a mistake in somebody's code.
    const mistake = new TypeError('not a function');
    await expect(standIn(() => Promise.reject(mistake)).isHealthy('box')).rejects.toBe(mistake);
  });

  it('reveals no token, fingerprint or id, whatever the issuer sends', async () => {
    const told: unknown[] = [await health.isHealthy('box')];
    const { fingerprint, value } = await auth.provider.getToken();
    endpoint.otherwise = refuse(
      endpoint,
      400,
      'invalid_grant',
      `'sub' ${credentials.enterpriseId} of ${credentials.clientId} with ${value}`,
    );
    await runtime.advance(50 * MINUTE);
    await auth.provider.getToken();
    await settled();
    told.push(await health.isHealthy('box'));
    await runtime.advance(11 * MINUTE);
    told.push(await health.isHealthy('box'));
    const shown = JSON.stringify(told);
    expect(shown).toMatch(/healthy.*degraded.*subject_refused.*down/);
    for (const secret of [fingerprint, value, ...Object.values(credentials)]) {
      expect(shown).not.toContain(secret);
    }
  });
});

describe('The health of a tenant', () => {
  const HOUR = 60 * MINUTE;
  let box: TenantBox;
  let app: BoxAuth;
  const start = (options: Partial<BoxAuthOptions> = {}): BoxHealthIndicator => {
    app = tenantApp(box, { runtime, ...options });
    return new BoxHealthIndicator(app.provider, new HealthIndicatorService());
  };
  beforeEach(() => {
    box = new TenantBox();
  });
  afterEach(() => app.close());

  const down = (code: string) => ({ box: { status: 'down', state: 'down', code } });

  it('is that of its own token', async () => {
    const indicator = start();
    expect(await indicator.isHealthy('box', { enterprise: TENANT })).toEqual({
      box: { status: 'up', state: 'healthy', expiresAt: EXPIRES_AT },
    });
    expect(box.tokenRequests).toEqual(['enterprise:7']);
  });

  it('is down or degraded for that tenant alone', async () => {
    const indicator = start();
    await indicator.isHealthy('box', { enterprise: TENANT });
    box.onToken = (subject) => (subject === 'enterprise:7' ? unauthorized() : undefined);
    await runtime.advance(50 * MINUTE);
    await indicator.isHealthy('box', { enterprise: TENANT });
    await settled();
    expect(await indicator.isHealthy('box', { enterprise: TENANT })).toMatchObject({
      box: { status: 'degraded', code: 'app_not_authorized', since: expect.any(String) as string },
    });
    await runtime.advance(HOUR);
    expect(await indicator.isHealthy('box', { enterprise: TENANT })).toMatchObject(
      down('app_not_authorized'),
    );
    expect(await indicator.isHealthy('box', { enterprise: OTHER_TENANT })).toMatchObject({
      box: { status: 'up' },
    });
    expect(await indicator.isHealthy('box')).toMatchObject({ box: { status: 'up' } });
  });

  it.each<[string, BoxAuthOptions['tenants']]>([
    ['a list', [OTHER_TENANT]],
    ['a function', () => false],
    ['a function that fails', () => Promise.reject(new Error('The database is away.'))],
  ])('is down if `tenants` does not contain it: %s', async (_, tenants) => {
    expect(await start({ tenants }).isHealthy('box', { enterprise: TENANT })).toMatchObject(
      down('enterprise_not_allowed'),
    );
    expect(box.tokenRequests).toEqual([]);
  });

  it('is down after the timeout of the check if a function `tenants` does not return', async () => {
    const indicator = start({ tenants: () => new Promise(() => undefined) });
    const options = { enterprise: TENANT, timeoutMs: 1 };
    expect(await indicator.isHealthy('box', options)).toMatchObject(down('timeout'));
  });

  it('is checked with `tenantRequired`, like that of the app itself', async () => {
    const indicator = start({ tenantRequired: true });
    for (const options of [{}, { enterprise: TENANT }, { enterprise: undefined }]) {
      expect(await indicator.isHealthy('box', options)).toMatchObject({ box: { status: 'up' } });
    }
    expect(box.tokenRequests).toEqual(['enterprise:1', 'enterprise:7']);
  });

  it('that of the app itself is checked in a job for a tenant, too', async () => {
    const indicator = start();
    await app.provider.runFor({ enterprise: TENANT }, () => indicator.isHealthy('box'));
    expect(box.tokenRequests).toEqual(['enterprise:1']);
  });

  it('contains no id and no message', async () => {
    const indicator = start();
    box.onToken = unauthorized;
    const shown = JSON.stringify(await indicator.isHealthy('box', { enterprise: TENANT }));
    expect(shown).toContain('app_not_authorized');
    expect(shown).not.toMatch(/enterprise 7|"7"|unauthorized_client/i);
  });

  it.each([null, 7, '', 'a name', '07', '1'.repeat(21), [TENANT]])(
    'is not checked for the enterprise %j',
    async (enterprise) => {
      for (const tenants of [[TENANT], () => true, undefined]) {
        const indicator = start({ tenants });
        const options = { enterprise: enterprise as string };
        expect(await thrownBy(() => indicator.isHealthy('box', options))).toMatchObject({
          code: 'option_invalid',
          message:
            'Invalid enterprise of BoxHealthIndicator.isHealthy: expected an enterprise id as a string.',
        });
        app.close();
      }
      expect(box.tokenRequests).toEqual([]);
    },
  );
});
