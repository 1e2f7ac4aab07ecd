import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import axios, { AxiosError, type InternalAxiosRequestConfig } from 'axios';
import fc from 'fast-check';
import FormDataOfNode from 'form-data';
import { beforeEach, describe, expect, it } from 'vitest';
import { BoxAuth } from '../../lib/box/box-auth.js';
import { attachToAxios } from '../../lib/axios/axios-authorization.js';
import { parseUrl } from '../../lib/core/http/url-rules.js';
import { isFetchAdapter } from '../../lib/axios/fetch-adapter.js';
import { urlOf } from '../../lib/axios/request-url.js';
import { FakeTransport } from '../../lib/testing/fake-box/fake-transport.js';
import { FakeRuntime } from '../support/fake-runtime.js';
import { refuse, ScriptedEndpoint } from '../support/scripted-endpoint.js';
import { thrownBy } from '../support/thrown.js';

type Config = InternalAxiosRequestConfig;

describe('The adapter of fetch', () => {
  it.each([
    ['its name', 'fetch'],
    ['its name, in any case', 'Fetch'],
    ['the adapter itself', axios.getAdapter('fetch')],
    ['a list that begins with it', ['fetch', 'http']],
    ['a list that only a browser begins elsewhere', ['xhr', 'fetch', 'http']],
    ['a list with the adapter itself', ['XHR', axios.getAdapter('fetch')]],
  ])('is detected by %s', (_, adapter) => {
    expect(isFetchAdapter(adapter as Config['adapter'])).toBe(true);
  });

  it.each([
    ['nothing', undefined],
    ['an empty list', []],
    ['another name', 'http'],
    ['a list that has it later', ['xhr', 'http', 'fetch']],
    ['an adapter of the app', () => Promise.reject(new Error('mine'))],
    ['that of Node itself', axios.getAdapter('http')],
  ])('is not detected by %s', (_, adapter) => {
    expect(isFetchAdapter(adapter as Config['adapter'])).toBe(false);
  });
});

describe('The URL of a call', () => {
  const of = (config: object) => urlOf(config as Config)?.href;
  /** What comes of it, be it an error. */
  const outcomeOf = (work: () => unknown) => {
    try {
      return work();
    } catch (error) {
      return String(error);
    }
  };

  it('is built like axios does, except that the params are missing', () => {
    expect(of({ baseURL: 'https://api.box.com/2.0', url: '/x', params: { a: 1 } })).toBe(
      'https://api.box.com/2.0/x',
    );
    expect(of({ baseURL: 'https://api.box.com', url: 'https://evil.example/' })).toBe(
      'https://evil.example/',
    );
  });

  it('equals that of axios for any base and path', () => {
    const odd = fc.constantFrom('//', '\\', ':', '?', '#', '@', '..', '%2f', '\n', '.evil.example');
    const part = (...plain: string[]) =>
      fc.oneof(
        { weight: 8, arbitrary: fc.constantFrom(...plain) },
        odd,
        fc.string({ maxLength: 3 }),
      );
    const base = fc.tuple(part('https://api.box.com', 'http://127.0.0.1:4000'), part('', '/2.0'));
    const path = fc.tuple(part('/2.0', '/x', '//y', ''), part('/users', 'z', '?a=1', '/'));
    const isCombined = fc.option(fc.boolean(), { nil: undefined });
    let plain = 0;
    fc.assert(
      fc.property(base, path, isCombined, (ofBase, ofPath, allowAbsoluteUrls) => {
        const [baseURL, url] = [ofBase.join(''), ofPath.join('')];
        const config = {
          baseURL,
          url,
          ...(allowAbsoluteUrls === undefined ? {} : { allowAbsoluteUrls }),
        };
        const made = outcomeOf(() => axios.create().getUri(config));
        if (made === baseURL + url) plain += 1;
        const expected = outcomeOf(() => parseUrl(axios.create().getUri(config))?.href);
        expect(outcomeOf(() => of(config))).toEqual(expected);
      }),
      { numRuns: 2_000 },
    );
    expect(plain).toBeGreaterThan(200);
    expect(plain).toBeLessThan(1_800);
  });

  it('is undefined without a host', () => {
    expect(of({ url: '/2.0/x' })).toBeUndefined();
  });

  it('is undefined if axios rejects it', () => {
    const config = { url: 'https:api.box.com/2.0/x' };
    expect(() => axios.create().getUri(config)).toThrow('missing "//"');
    expect(of(config)).toBeUndefined();
  });
});

describe('axios with its fetch adapter', () => {
  const ME = 'https://api.box.com/2.0/users/me';
  let endpoint: ScriptedEndpoint;
  let box: BoxAuth;
  /** What left by BoxFetch, and what the app's own fetch was given. */
  let byBox: {
    readonly url: string;
    readonly authorization: string | null;
    readonly body: unknown;
  }[];
  let byApp: string[];
  let answer: () => Response;
  beforeEach(() => {
    byBox = [];
    byApp = [];
    answer = () => new Response('the plan');
    const runtime = new FakeRuntime();
    endpoint = new ScriptedEndpoint(runtime);
    box = new BoxAuth({
      credentials: { clientId: 'client', clientSecret: 'secret', enterpriseId: '1' },
      tokenEndpoint: { attempts: 1 },
      runtime,
      fetch: async (input, init) => {
        const url = input instanceof Request ? input.url : String(input);
        if (url.endsWith('/oauth2/token')) return endpoint.fetch(input, init);
        const authorization = new Headers(init?.headers).get('authorization');
        byBox.push({ url, authorization, body: init?.body });
        return answer();
      },
    });
  });

  const ownFetch: typeof fetch = (input) => {
    byApp.push(input instanceof Request ? input.url : String(input));
    return Promise.resolve(new Response('of the app'));
  };
  const attached = (sender: 'client' | 'transport', defaults: object = {}) => {
    const instance = axios.create({ env: { fetch: ownFetch }, ...defaults });
    const transport = sender === 'transport' ? new FakeTransport(box.fetch) : undefined;
    attachToAxios(instance, box.policy, box.fetch, transport);
    return instance;
  };
  const thrown = (work: Promise<unknown>) => work.catch((error: unknown) => error);

  it('calls Box with BoxFetch if the app sets no fetch', async () => {
    const instance = attached('client', { adapter: 'fetch', env: {} });
    expect((await instance.get<string>(ME)).data).toBe('the plan');
    expect(byBox).toMatchObject([{ url: ME, authorization: 'Bearer token-1-for-1' }]);
  });

  it('calls Box with a token, and other hosts without one, through the fetch that the app sets', async () => {
    const sent: (string | null)[][] = [];
    const fetchOfApp: typeof fetch = (input, init) => {
      const { url, headers } = new Request(input, init);
      sent.push([url, headers.get('authorization')]);
      return Promise.resolve(new Response('of the app'));
    };
    const instance = attached('client', { adapter: 'fetch', env: { fetch: fetchOfApp } });
    for (const url of [ME, 'https://example.com/x']) {
      expect((await instance.get<string>(url)).data).toBe('of the app');
    }
    expect(sent).toEqual([
      [ME, 'Bearer token-1-for-1'],
      ['https://example.com/x', null],
    ]);
    expect(byBox).toEqual([]);
  });

  it('leaves an address without a host to the fetch of the app', async () => {
    const instance = attached('client', { adapter: 'fetch' });
    const error = await thrown(instance.get('/2.0/users/me'));
    expect(error).toMatchObject({ message: expect.stringContaining('URL') });
    expect(byBox).toEqual([]);
    expect(endpoint.received).toEqual([]);
  });

  it('sends the calls to every host through a transport', async () => {
    const instance = attached('transport');
    expect((await instance.get<string>(ME)).data).toBe('the plan');
    expect((await instance.get<string>('https://example.com/x')).data).toBe('the plan');
    expect(byApp).toEqual([]);
    expect(byBox.map(({ authorization }) => authorization)).toEqual(['Bearer token-1-for-1', null]);
  });

  it.each(['client', 'transport'] as const)(
    'rejects with our errors unchanged, and with network errors like axios: by %s',
    async (sender) => {
      const adapter = sender === 'client' ? 'fetch' : 'http';
      const instance = attached(sender, { adapter, env: {} });
      endpoint.script(refuse(endpoint, 400, 'unauthorized_client', ''));
      expect((await thrownBy(() => instance.get(ME))).code).toBe('app_not_authorized');

      box.provider.flush();
      const failure = new TypeError('fetch failed', { cause: new Error('ECONNRESET') });
      answer = () => {
        throw failure;
      };
      const error = await thrown(instance.get(ME));
      expect(error).toBeInstanceOf(AxiosError);
      expect(error).toMatchObject({ code: AxiosError.ERR_NETWORK });

      answer = () => new Response('gone', { status: 410 });
      expect(await thrown(instance.get(ME))).toMatchObject({
        code: AxiosError.ERR_BAD_REQUEST,
        response: { status: 410, data: 'gone' },
      });
    },
  );

  it('returns streams and Buffers of Node to an app that did not choose fetch', async () => {
    const instance = attached('transport');
    const stream = await instance.get<Readable>(ME, { responseType: 'stream' });
    expect(stream.data).toBeInstanceOf(Readable);
    expect(await text(stream.data)).toBe('the plan');
    const bytes = await instance.get<Buffer>(ME, { responseType: 'arraybuffer' });
    expect(Buffer.isBuffer(bytes.data)).toBe(true);
    expect(bytes.data.toString()).toBe('the plan');
    expect((await instance.get<string>(ME, { responseType: 'text' })).data).toBe('the plan');
  });

  it('returns streams of Node in the response of an error, too', async () => {
    answer = () => new Response('gone', { status: 410 });
    const error = await thrown(attached('transport').get(ME, { responseType: 'stream' }));
    if (!(error instanceof AxiosError) || error.response === undefined)
      throw new Error('no response');
    expect(error.response.data).toBeInstanceOf(Readable);
    expect(await text(error.response.data as Readable)).toBe('gone');
  });

  it('returns web streams to an app that chose fetch', async () => {
    const instance = attached('transport', { adapter: 'fetch' });
    const { data } = await instance.get<unknown>(ME, { responseType: 'stream' });
    expect(data).toBeInstanceOf(ReadableStream);
  });

  it('uploads a form of the form-data package', async () => {
    const form = new FormDataOfNode();
    form.append('name', 'plan.txt');
    expect((await attached('transport').post(ME, form)).status).toBe(200);
    expect(byBox[0]?.body).toBeInstanceOf(ReadableStream);
    expect(await text(byBox[0]?.body as never)).toContain('plan.txt');
  });

  it('keeps other entries of `env`', async () => {
    class OwnFormData extends FormData {}
    const { config } = await attached('transport', { env: { FormData: OwnFormData } }).get(ME);
    expect(config.env?.FormData).toBe(OwnFormData);
  });

  it('sends the same body again when the token is refused', async () => {
    const challenge = { 'www-authenticate': 'Bearer error="invalid_token"' };
    const refusals = [new Response(null, { status: 401, headers: challenge })];
    answer = () => refusals.shift() ?? new Response('the plan');
    expect((await attached('transport').post(ME, { name: 'Plans' })).status).toBe(200);
    expect(byBox).toHaveLength(2);
  });
});
