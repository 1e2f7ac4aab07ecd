import { HttpService } from '@nestjs/axios';
import { Test, type TestingModule } from '@nestjs/testing';
import { AxiosError, CanceledError } from 'axios';
import { BoxClient } from 'box-node-sdk';
import { BoxApiError, BoxSdkError } from 'box-node-sdk/box/errors';
import { lastValueFrom } from 'rxjs';
import { Agent, type Dispatcher, fetch as undiciFetch, request } from 'undici';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import {
  BoxAuthError,
  BoxAuthModule,
  type BoxAuthModuleOptions,
  BoxFetch,
  BoxTokenProvider,
} from 'nestjs-box-auth';
import { BoxHttpModule } from 'nestjs-box-auth/axios';
import { BoxSdkModule } from 'nestjs-box-auth/sdk';
import { BoxEmulator } from 'nestjs-box-auth/testing';
import { boxAuthInterceptor } from 'nestjs-box-auth/undici';
import { exampleIn, run } from './example.js';

const PAGE = 'docs/errors-by-client.md';
const PATH = '/2.0/folders/404404';

let box: BoxEmulator;
let app: TestingModule;
let dispatcher: Dispatcher;
beforeEach(async () => {
  box = await BoxEmulator.start();
  vi.stubEnv('BOX_CONFIG', JSON.stringify(box.config));
  vi.stubEnv('BOX_API_URL', box.url);
  await openApp();
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await closeApp();
  await box.stop();
});

async function openApp(options: BoxAuthModuleOptions = {}): Promise<void> {
  app = await Test.createTestingModule({
    imports: [
      BoxAuthModule.forRoot({ tokenEndpoint: { attempts: 1 }, ...options }),
      BoxHttpModule,
      BoxSdkModule.register({ retryStrategy: NEVER_AGAIN }),
    ],
  }).compile();
  dispatcher = new Agent().compose(boxAuthInterceptor(app.get(BoxTokenProvider)));
}

async function closeApp(): Promise<void> {
  await app.close();
  await dispatcher.close();
}

const NEVER_AGAIN = { shouldRetry: async () => false, retryAfter: () => 0 };

type Send = (options?: { signal?: AbortSignal; asUser?: string }) => Promise<unknown>;

function headersOf(asUser: string | undefined): Record<string, string> {
  return asUser === undefined ? {} : { 'as-user': asUser };
}

/** The columns of the table. */
const clients: Record<string, Send> = {
  BoxFetch: ({ asUser, signal } = {}) =>
    app.get(BoxFetch)(PATH, { headers: headersOf(asUser), ...(signal && { signal }) }),
  axios: ({ asUser, signal } = {}) =>
    app
      .get(HttpService)
      .axiosRef.get(PATH, { headers: headersOf(asUser), ...(signal && { signal }) }),
  HttpService: ({ asUser, signal } = {}) =>
    lastValueFrom(
      app.get(HttpService).get(PATH, { headers: headersOf(asUser), ...(signal && { signal }) }),
    ),
  undici: ({ asUser, signal } = {}) =>
    request(box.url + PATH, { dispatcher, headers: headersOf(asUser), ...(signal && { signal }) }),
  'global fetch': ({ asUser, signal } = {}) =>
    undiciFetch(box.url + PATH, {
      dispatcher,
      headers: headersOf(asUser),
      ...(signal && { signal }),
    }),
  SDK: ({ asUser, signal } = {}) => {
    const client = app.get(BoxClient);
    const acting = asUser === undefined ? client : client.withAsUserHeader(asUser);
    return acting.folders.getFolderById('404404', signal && { cancellationToken: signal });
  },
};

async function failuresOf(options?: Parameters<Send>[0]): Promise<Record<string, unknown>> {
  const failures: Record<string, unknown> = {};
  for (const [name, send] of Object.entries(clients)) {
    failures[name] = await send(options).catch((error: unknown) => error);
  }
  return failures;
}

describe('The page about errors by client', () => {
  it.each([
    ['without a token', 'app_not_authorized', undefined, {}],
    ['for an invalid acting user', 'acting_user_invalid', { asUser: 'alice' }, {}],
    ['without a tenant', 'enterprise_missing', undefined, { tenants: [], tenantRequired: true }],
  ] as const)('finds the BoxAuthError %s', async (_, code, options, appOptions) => {
    await closeApp();
    await openApp(appOptions);
    box.authorized = false;
    const { boxAuthErrorOf } = await run(exampleIn(PAGE, 'function boxAuthErrorOf'));
    const find = boxAuthErrorOf as (error: unknown) => BoxAuthError | undefined;
    for (const [name, failure] of Object.entries(await failuresOf(options))) {
      expect(find(failure)?.code, name).toBe(code);
      expect(failure instanceof BoxAuthError, name).toBe(name !== 'global fetch');
    }
    expect(find(new TypeError('fetch failed'))).toBeUndefined();
  });

  it('says how each client delivers a response of Box', async () => {
    expect(await failuresOf()).toEqual({
      BoxFetch: expect.objectContaining({ ok: false, status: 404 }) as unknown,
      axios: expect.any(AxiosError) as unknown,
      HttpService: expect.any(AxiosError) as unknown,
      undici: expect.objectContaining({ statusCode: 404 }) as unknown,
      'global fetch': expect.objectContaining({ ok: false, status: 404 }) as unknown,
      SDK: expect.any(BoxApiError) as unknown,
    });
  });

  it('says how each client delivers a connection failure', async () => {
    await app.get(BoxTokenProvider).getToken();
    box.always('api', { kind: 'reset' });
    expect(await failuresOf()).toEqual({
      BoxFetch: expect.objectContaining({
        name: 'TypeError',
        cause: expect.anything() as unknown,
      }) as unknown,
      axios: expect.objectContaining({ isAxiosError: true, code: 'ECONNRESET' }) as unknown,
      HttpService: expect.objectContaining({ isAxiosError: true, code: 'ECONNRESET' }) as unknown,
      undici: expect.objectContaining({ code: expect.any(String) as unknown }) as unknown,
      'global fetch': expect.objectContaining({
        name: 'TypeError',
        cause: expect.anything() as unknown,
      }) as unknown,
      SDK: expect.any(BoxSdkError) as unknown,
    });
  });

  it('says how each client delivers an abort', async () => {
    await app.get(BoxTokenProvider).getToken();
    const reason = new Error('The user has left.');
    expect(await failuresOf({ signal: AbortSignal.abort(reason) })).toEqual({
      BoxFetch: reason,
      axios: expect.any(CanceledError) as unknown,
      HttpService: expect.any(CanceledError) as unknown,
      undici: reason,
      'global fetch': reason,
      SDK: expect.any(BoxSdkError) as unknown,
    });
  });

  it.each([
    ['BoxFetch', 'type BoxFetch', () => app.get(BoxFetch)],
    ['axios', 'AxiosInstance', () => app.get(HttpService).axiosRef],
    ['undici', 'Dispatcher', () => dispatcher],
    ['the SDK', 'BoxClient', () => app.get(BoxClient)],
  ])('turns a response into an error with a code (%s)', async (_, marker, client) => {
    const { folder } = await run(exampleIn(PAGE, marker, 'function folder'));
    const read = folder as (of: unknown, id: string) => Promise<unknown>;
    expect(await read(client(), '0')).toMatchObject({ id: '0' });
    await expect(read(client(), '404404')).rejects.toMatchObject({
      code: 'request_refused',
      status: 404,
      requestId: expect.any(String) as unknown,
    });
    box.asUserEnabled = false;
    const acting = app.get(BoxTokenProvider).runAs('11111', () => read(client(), '0'));
    await expect(acting).rejects.toMatchObject({ code: 'access_denied' });
  });
});
