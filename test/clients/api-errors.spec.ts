import { HttpService } from '@nestjs/axios';
import { Test, type TestingModule } from '@nestjs/testing';
import { type AxiosRequestConfig, isAxiosError } from 'axios';
import { BoxClient } from 'box-node-sdk';
import { lastValueFrom } from 'rxjs';
import { Agent, type Dispatcher, fetch as undiciFetch, request } from 'undici';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { boxApiError, BoxAuthModule, BoxFetch, BoxTokenProvider } from 'nestjs-box-auth';
import { BoxHttpModule } from 'nestjs-box-auth/axios';
import { BoxSdkModule } from 'nestjs-box-auth/sdk';
import { BoxEmulator, type Fault } from 'nestjs-box-auth/testing';
import { boxAuthInterceptor } from 'nestjs-box-auth/undici';

const PATH = '/2.0/folders/404404';

let box: BoxEmulator;
let app: TestingModule;
let dispatcher: Dispatcher;
beforeAll(async () => {
  box = await BoxEmulator.start();
  app = await Test.createTestingModule({
    imports: [
      BoxAuthModule.forRoot({ credentials: { config: box.config }, apiUrl: box.url }),
      BoxHttpModule,
      BoxSdkModule.register({
        retryStrategy: { shouldRetry: async () => false, retryAfter: () => 0 },
      }),
    ],
  }).compile();
  dispatcher = new Agent().compose(boxAuthInterceptor(app.get(BoxTokenProvider)));
});
beforeEach(() => box.heal());
afterAll(async () => {
  await app.close();
  await dispatcher.close();
  await box.stop();
});

const thrown = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => expect.unreachable('the call succeeded'),
    (error: unknown) => error,
  );
const byAxios = (config: AxiosRequestConfig) => () =>
  thrown(lastValueFrom(app.get(HttpService).get(PATH, config)));

/** How each client delivers a failed response. */
const failures: Record<string, () => Promise<unknown>> = {
  BoxFetch: () => app.get(BoxFetch)(PATH),
  HttpService: byAxios({}),
  'HttpService with text': byAxios({ responseType: 'text' }),
  'HttpService with a Buffer': byAxios({ responseType: 'arraybuffer' }),
  'HttpService with a stream': byAxios({ responseType: 'stream' }),
  'the fetch adapter of axios': byAxios({ adapter: 'fetch' }),
  'the fetch adapter with an ArrayBuffer': byAxios({
    adapter: 'fetch',
    responseType: 'arraybuffer',
  }),
  'the fetch adapter with a Blob': byAxios({ adapter: 'fetch', responseType: 'blob' }),
  'the fetch adapter with a stream': byAxios({ adapter: 'fetch', responseType: 'stream' }),
  'a response of axios': () =>
    lastValueFrom(app.get(HttpService).get(PATH, { validateStatus: () => true })),
  'request of undici': () => request(box.url + PATH, { dispatcher }),
  'fetch of undici': () => undiciFetch(box.url + PATH, { dispatcher }),
  'the SDK': () => thrown(app.get(BoxClient).folders.getFolderById('404404')),
};

const body = { type: 'error', code: 'access_denied_insufficient_permissions', message: 'Denied' };
const headers = { 'content-type': 'application/json', 'box-request-id': 'request-7' };
const responses: Record<string, { fault: Fault; expected: object }> = {
  'a 404': {
    fault: { kind: 'status', status: 404, headers, body: { ...body, code: 'not_found' } },
    expected: { code: 'request_refused', status: 404, retryable: false },
  },
  'a 403': {
    fault: { kind: 'status', status: 403, headers, body },
    expected: { code: 'access_denied', status: 403 },
  },
  'a missing scope': {
    fault: {
      kind: 'status',
      status: 403,
      headers: { ...headers, 'www-authenticate': 'Bearer error="insufficient_scope"' },
    },
    expected: { code: 'insufficient_scope' },
  },
  'a 429': {
    fault: { kind: 'status', status: 429, headers: { ...headers, 'retry-after': '7' }, body },
    expected: { code: 'rate_limited', retryable: true, retryAfterMs: 7_000 },
  },
  'a 429 until a date': {
    fault: {
      kind: 'status',
      status: 429,
      headers: {
        ...headers,
        date: 'Sun, 01 Mar 2026 12:00:00 GMT',
        'retry-after': 'Sun, 01 Mar 2026 12:00:09 GMT',
      },
      body,
    },
    expected: { code: 'rate_limited', retryAfterMs: 9_000 },
  },
  'a page of a proxy': {
    fault: {
      kind: 'status',
      status: 502,
      headers: { ...headers, 'content-type': 'text/html' },
      body: '<b>',
    },
    expected: { code: 'unavailable', status: 502 },
  },
};

describe.each(Object.entries(responses))('%s', (_, { fault, expected }) => {
  it.each(Object.keys(failures))('is the same error with %s', async (client) => {
    box.always('api', fault);
    const response = await boxApiError(await app.get(BoxFetch)(PATH));
    expect(response).toMatchObject(expected);
    const error = await boxApiError(await failures[client]?.());
    expect(error.toJSON()).toEqual(response.toJSON());
  });
});

describe('boxApiError', () => {
  it('returns a BoxAuthError unchanged, also from the cause of a fetch error', async () => {
    const error = await boxApiError(await app.get(BoxFetch)(PATH));
    expect(await boxApiError(error)).toBe(error);
    expect(await boxApiError(new TypeError('fetch failed', { cause: error }))).toBe(error);
  });

  it('rejects with the error of a call without a response', async () => {
    await app.get(BoxTokenProvider).getToken();
    box.always('api', { kind: 'reset' });
    for (const client of ['HttpService', 'the SDK']) {
      const error = await failures[client]?.();
      await expect(boxApiError(error)).rejects.toBe(error);
    }
  });

  it.each([
    ['an error of the app', new Error('mine')],
    ['nothing', undefined],
    ['a text', 'no response'],
    ['an error with a status of its own', Object.assign(new Error('mine'), { statusCode: 400 })],
    ['an AxiosError without a status', { isAxiosError: true, response: { headers: {} } }],
  ])('rejects with %s', async (_, value) => {
    await expect(boxApiError(value)).rejects.toBe(value);
  });

  it('keeps the status of a response whose body cannot be read', async () => {
    const circular: Record<string, unknown> = {};
    circular['self'] = circular;
    const consumed = new Response('{}');
    await consumed.text();
    const broken = new ReadableStream({ start: (stream) => stream.error(new Error('reset')) });
    for (const data of [circular, consumed.body, broken, 'x'.repeat(65_537), 7, null]) {
      const failure = { isAxiosError: true, response: { status: 409, headers: {}, data } };
      expect(await boxApiError(failure)).toMatchObject({
        code: 'request_refused',
        message: 'Box returned 409.',
      });
    }
  });

  it('skips headers that no server can send', async () => {
    const given = { 'retry-after': 3, 'bad name': 'x', 'x-bad': 'a\nb', 'x-none': undefined };
    const failure = { isAxiosError: true, response: { status: 429, headers: given } };
    expect(await boxApiError(failure)).toMatchObject({ retryAfterMs: 3_000 });
  });

  it('takes the first of several spellings of a header', async () => {
    // The network client of the SDK adds the second one for its retry strategy.
    const given = { 'retry-after': '3', 'Retry-After': '2.5' };
    const failure = { name: 'BoxApiError', responseInfo: { statusCode: 429, headers: given } };
    expect(await boxApiError(failure)).toMatchObject({ retryAfterMs: 3_000 });
  });

  it('shows no secret of the response', async () => {
    const secret = 'Bearer T9xkPq4mZ7vW2sLd8RfHj3';
    const data = { code: 'not_found', message: `sent ${secret}` };
    const failure = {
      isAxiosError: true,
      response: { status: 404, headers: { 'content-type': 'application/json' }, data },
    };
    const error = await boxApiError(failure);
    expect(JSON.stringify(error)).not.toContain('T9xk');
    expect(error.message).toContain('[redacted]');
  });
});

describe('The error of a failed call by axios', () => {
  it('shows nothing of the note about its host', async () => {
    const error = await failures['HttpService']?.();
    expect(isAxiosError(error)).toBe(true);
    expect(Object.keys(error as object)).not.toContain('nestjs-box-auth.issuer');
    expect(JSON.stringify(error)).not.toContain('nestjs-box-auth');
  });
});
