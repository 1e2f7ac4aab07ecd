import { BoxClient } from 'box-node-sdk';
import { BaseUrls, NetworkSession } from 'box-node-sdk/networking';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type ApiRequestEvent, BoxAuthError, onAuthEvent } from 'nestjs-box-auth';
import { BoxSdkAuthentication } from 'nestjs-box-auth/sdk';
import type { BoxAuth } from '../../lib/box/box-auth.js';
import { runInActingContext } from '../../lib/core/acting/acting.context.js';
import { type BoxGetter, boxGetters } from '../support/box-clients.js';
import type { LoopbackServer } from '../support/loopback-server.js';
import {
  ANN,
  BEN,
  OTHER_TENANT,
  startTenantServer,
  TENANT,
  TenantBox,
  tenantApp,
} from '../support/tenant-box.js';
import { thrownBy } from '../support/thrown.js';

const PATH = '/2.0/folders/0';

let api: TenantBox;
let server: LoopbackServer;
let box: BoxAuth;
beforeEach(async () => {
  api = new TenantBox();
  server = await startTenantServer(api);
  box = tenantApp(api, { fetch, apiUrl: server.url });
});
afterEach(async () => {
  box.close();
  await server.stop();
});

/** The error of a call; the global `fetch` wraps it. */
async function refusalOf(call: () => Promise<unknown>): Promise<BoxAuthError> {
  const error: unknown = await call().then(
    () => undefined,
    (thrown: unknown) => (thrown instanceof TypeError ? thrown.cause : thrown),
  );
  expect(error).toBeInstanceOf(BoxAuthError);
  return error as BoxAuthError;
}

describe.each(Object.entries(boxGetters))('A call of %s', (_, open) => {
  let client: BoxGetter;
  beforeEach(() => {
    client = open(box);
  });
  afterEach(() => client.close?.());

  const get = (call?: Parameters<BoxGetter['get']>[1]) => client.get(`${server.url}${PATH}`, call);

  it('carries the token of its tenant, and as-user for a user of it', async () => {
    const { provider } = box;
    await Promise.all([
      provider.runFor({ enterprise: TENANT }, () => get()),
      provider.runFor({ enterprise: TENANT, user: ANN }, () => get()),
      provider.runFor({ enterprise: OTHER_TENANT, user: BEN }, () => get()),
      get(),
    ]);
    const calls = api.calls.map(({ token, asUser }) => [token, asUser]);
    expect(calls).toHaveLength(4);
    expect(calls).toEqual(
      expect.arrayContaining([
        ['enterprise:7', undefined],
        ['enterprise:7', ANN],
        ['enterprise:8', BEN],
        ['enterprise:1', undefined],
      ]),
    );
    expect(api.tokenRequests.toSorted()).toEqual(['enterprise:1', 'enterprise:7', 'enterprise:8']);
  });

  it('is not sent for another enterprise', async () => {
    const call = () => runInActingContext({ enterprise: '9' }, () => get());
    expect(await refusalOf(call)).toMatchObject({
      code: 'enterprise_not_allowed',
      enterprise: '9',
    });
    expect(server.arrived).toEqual([]);
  });

  it('waits for a function `tenants`, and is not sent if that refuses', async () => {
    const other = tenantApp(api, {
      fetch,
      apiUrl: server.url,
      tenants: async (id) => id === TENANT,
    });
    const others = open(other);
    const call = (enterprise: string) =>
      runInActingContext({ enterprise, source: {} }, () => others.get(`${server.url}${PATH}`));
    await call(TENANT);
    expect((await refusalOf(() => call(OTHER_TENANT))).code).toBe('enterprise_not_allowed');
    expect(api.calls.map(({ token }) => token)).toEqual(['enterprise:7']);
    await others.close?.();
    other.close();
  });

  it('carries a token of a user only if that belongs to the tenant', async () => {
    const as = (id: string) =>
      runInActingContext({ enterprise: TENANT, user: { id, via: 'token' } }, () => get());
    await as(ANN);
    expect((await refusalOf(() => as(BEN))).code).toBe('acting_user_invalid');
    expect(api.calls).toEqual([{ path: PATH, token: `user:${ANN}`, asUser: undefined }]);
    expect(api.checks).toEqual([`user:${ANN}`, `user:${BEN}`]);
  });

  it('gets another token of the same tenant if the first is refused', async () => {
    let isFirst = true;
    api.onCall = () => {
      if (!isFirst) return undefined;
      isFirst = false;
      return new Response(null, {
        status: 401,
        headers: { 'www-authenticate': 'Bearer realm="Service", error="invalid_token"' },
      });
    };
    await box.provider.runFor({ enterprise: TENANT, user: ANN }, () => get());
    const call = { path: PATH, token: 'enterprise:7', asUser: ANN };
    expect(api.calls).toEqual([call, call]);
    expect(api.tokenRequests).toEqual(['enterprise:7', 'enterprise:7']);
  });

  it('carries the as-user of its caller with the token of the tenant', async () => {
    await box.provider.runFor({ enterprise: TENANT, user: BEN }, () =>
      get({ headers: { 'as-user': ANN } }),
    );
    expect(api.calls).toEqual([{ path: PATH, token: 'enterprise:7', asUser: ANN }]);
  });

  it('emits an event with its enterprise, and without one for the app itself', async () => {
    const events: ApiRequestEvent[] = [];
    const stop = onAuthEvent('api-request', (event) => events.push(event));
    await box.provider.runFor({ enterprise: TENANT, user: ANN }, () => get());
    await get();
    stop();
    expect(events.map(({ enterprise, acting }) => [enterprise, acting])).toEqual([
      [TENANT, 'header'],
      [undefined, 'app'],
    ]);
    expect(JSON.stringify(events)).not.toContain(`"${ANN}"`);
  });
});

describe("The SDK's own network client", () => {
  let client: BoxClient;
  beforeEach(() => {
    client = new BoxClient({
      auth: new BoxSdkAuthentication(box.provider),
      networkSession: new NetworkSession({
        baseUrls: new BaseUrls({ baseUrl: server.url, uploadUrl: server.url }),
      }),
    });
  });

  const get = (from = client) => from.makeRequest({ method: 'GET', url: `${server.url}${PATH}` });

  it('carries the token of the tenant, or of a user who belongs to it', async () => {
    await box.provider.runFor({ enterprise: TENANT }, () => get());
    await box.provider.runFor({ enterprise: TENANT, user: ANN }, () => get());
    await box.provider.runFor({ enterprise: TENANT }, () => get(client.withAsUserHeader(ANN)));
    expect(api.calls.map(({ token, asUser }) => [token, asUser])).toEqual([
      ['enterprise:7', undefined],
      [`user:${ANN}`, undefined],
      ['enterprise:7', ANN],
    ]);
    expect(api.checks).toEqual([`user:${ANN}`]);
  });

  it('is refused for another enterprise, and for a user of another tenant', async () => {
    const foreign = () => runInActingContext({ enterprise: '9' }, () => get());
    expect((await thrownBy(foreign)).code).toBe('enterprise_not_allowed');
    const stranger = () => box.provider.runFor({ enterprise: TENANT, user: BEN }, () => get());
    expect((await thrownBy(stranger)).code).toBe('acting_user_invalid');
    expect(api.calls).toEqual([]);
  });

  it('replaces a refused token of the tenant, and downscopes and revokes its token', async () => {
    await box.provider.runFor({ enterprise: TENANT }, async () => {
      const auth = new BoxSdkAuthentication(box.provider);
      const first = await auth.retrieveToken();
      const second = await auth.refreshToken();
      expect(second.accessToken).not.toBe(first.accessToken);
      await auth.downscopeToken(['base_preview']);
      await auth.revokeToken();
    });
    expect(api.tokenRequests).toEqual(['enterprise:7', 'enterprise:7', 'downscoped:enterprise:7']);
    expect(api.revoked).toEqual(['enterprise:7']);
  });
});
