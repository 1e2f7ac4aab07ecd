import { Readable } from 'node:stream';
import type { INestApplicationContext } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import axios, { type AxiosInstance } from 'axios';
import { BoxAuthError } from 'nestjs-box-auth';
import { WorkfrontEmulator } from 'nestjs-box-auth/testing';
import {
  WorkfrontAuthModule,
  WorkfrontFetch,
  WorkfrontTokenProvider,
} from 'nestjs-box-auth/workfront';
import {
  WorkfrontAxiosInterceptor,
  WorkfrontHttpModule,
  WorkfrontHttpService,
} from 'nestjs-box-auth/workfront/axios';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type LoopbackServer, startServer } from '../support/loopback-server.js';
import { EXCHANGE_URL, PROJECTS } from './workfront-app.js';

const EXCHANGE = new URL(EXCHANGE_URL).pathname;
const MOVED = '/attask/api/moved';
const AROUND = '/attask/api/around';

let emulator: WorkfrontEmulator;
let foreign: LoopbackServer;
let app: INestApplicationContext;
beforeAll(async () => {
  emulator = await WorkfrontEmulator.start();
  foreign = await startServer((request, response) => {
    if (request.path === '/back')
      response.writeHead(302, { location: emulator.url + PROJECTS }).end();
    else response.end('foreign');
  });
  emulator.route('GET', MOVED, (_request, response) => {
    response.writeHead(302, { location: PROJECTS }).end();
  });
  emulator.route('GET', AROUND, (_request, response) => {
    response.writeHead(302, { location: `${foreign.url}/back` }).end();
  });
});
beforeEach(async () => {
  emulator.clearRequests();
  foreign.arrived.length = 0;
  app = await Test.createTestingModule({
    imports: [
      WorkfrontAuthModule.forRoot({ url: emulator.url, ...emulator.credentials }),
      WorkfrontHttpModule,
    ],
  }).compile();
});
afterEach(() => app.close());
afterAll(() => Promise.all([emulator.stop(), foreign.stop()]));

interface Call {
  readonly method?: string;
  readonly headers?: Record<string, string>;
  readonly body?: unknown;
}

type Front = (
  url: string,
  call?: Call,
) => Promise<{ readonly status: number; readonly text: string }>;

const overAxios =
  (instance: () => AxiosInstance): Front =>
  async (url, { body, ...call } = {}) => {
    const { status, data } = await instance().request<string>({
      ...call,
      url,
      data: body,
      validateStatus: () => true,
      responseType: 'text',
    });
    return { status, text: data };
  };

const fronts: readonly (readonly [string, Front])[] = [
  [
    'WorkfrontFetch',
    async (url, { body, ...call } = {}) => {
      const stream = body instanceof Readable ? Readable.toWeb(body) : body;
      const init = { ...call, ...(body === undefined ? {} : { body: stream, duplex: 'half' }) };
      const response = await app.get(WorkfrontFetch)(url, init as RequestInit);
      return { status: response.status, text: await response.text() };
    },
  ],
  ['WorkfrontHttpService', overAxios(() => app.get(WorkfrontHttpService).axiosRef)],
  [
    'an attached axios instance',
    overAxios(() => {
      const instance = axios.create({ baseURL: emulator.url });
      app.get(WorkfrontAxiosInterceptor).attach(instance);
      app.get(WorkfrontAxiosInterceptor).attach(instance); // twice changes nothing
      return instance;
    }),
  ],
  [
    'axios over fetch',
    overAxios(() => {
      const instance = axios.create({ baseURL: emulator.url, adapter: 'fetch' });
      app.get(WorkfrontAxiosInterceptor).attach(instance);
      return instance;
    }),
  ],
];

const session = () => app.get(WorkfrontTokenProvider).peekToken()?.value;

/** What the API got that says who calls, request by request. */
const carried = () =>
  emulator.apiRequests.map(({ headers }) => ({
    sessionID: headers['sessionid'],
    authorization: headers['authorization'],
  }));

describe.each(fronts)('%s', (_, front) => {
  it('sends the session as sessionID, and no authorization', async () => {
    expect((await front(PROJECTS)).status).toBe(200);
    expect(session()).toBeDefined();
    expect(carried()).toEqual([{ sessionID: session(), authorization: undefined }]);
  });

  it('accepts absolute URLs too', async () => {
    expect((await front(emulator.url + PROJECTS)).status).toBe(200);
  });

  it('sends no session to another origin, and requests none for it', async () => {
    await front(`${foreign.url}/attask/api/proj/search`);
    expect(foreign.arrived[0]?.headers).not.toHaveProperty('sessionid');
    expect(foreign.arrived[0]?.headers).not.toHaveProperty('authorization');
    expect(emulator.exchangeRequests).toEqual([]);
  });

  it.each([EXCHANGE, '/integrations/oauth2/api/v1/token'])(
    'sends no session to paths of the token endpoint: %s',
    async (path) => {
      await app.get(WorkfrontTokenProvider).getToken();
      emulator.clearRequests();
      await front(emulator.url + path, { method: 'POST', body: 'x=1' });
      expect(emulator.requests).toHaveLength(1);
      expect(emulator.requests[0]?.headers).not.toHaveProperty('sessionid');
    },
  );

  it('sends no session after a redirect to another origin', async () => {
    const { text } = await front('/attask/api/docu/search');
    const { data } = JSON.parse(text) as { data: readonly { downloadURL: string }[] };
    const download = await front(data[0]?.downloadURL ?? '');
    expect(download).toEqual({ status: 200, text: 'This is Briefing.txt.\n' });
    expect(emulator.apiRequests.at(-1)?.headers['sessionid']).toBe(session());
    expect(emulator.downloadRequests).toHaveLength(1);
    expect(emulator.downloadRequests[0]?.headers).not.toHaveProperty('sessionid');
  });

  it('sends the session after a redirect within its origin', async () => {
    expect((await front(MOVED)).status).toBe(200);
    const both = { sessionID: session(), authorization: undefined };
    expect(carried()).toEqual([both, both]);
  });

  it('sends no session after a redirect to another origin and back', async () => {
    expect((await front(AROUND)).status).toBe(401);
    expect(foreign.arrived[0]?.headers).not.toHaveProperty('sessionid');
    expect(carried().at(-1)).toEqual({ sessionID: undefined, authorization: undefined });
  });

  it('keeps the caller’s own session, in upper or lower case', async () => {
    expect((await front(PROJECTS, { headers: { SessionId: 'mine' } })).status).toBe(401);
    expect(carried()).toEqual([{ sessionID: 'mine', authorization: undefined }]);
    expect(emulator.exchangeRequests).toEqual([]);
  });

  it('replaces an ended session, and repeats the call with its body', async () => {
    const body = JSON.stringify({ name: 'Autumn campaign' });
    await app.get(WorkfrontTokenProvider).getToken();
    emulator.endAllSessions();
    const { status, text } = await front('/attask/api/proj', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body,
    });
    expect(status).toBe(200);
    expect(JSON.parse(text)).toMatchObject({ data: { name: 'Autumn campaign' } });
    expect(emulator.apiRequests.map((request) => request.status)).toEqual([401, 200]);
    expect(emulator.exchangeRequests).toHaveLength(2);
  });

  it('sends a stream again with another session', async () => {
    await app.get(WorkfrontTokenProvider).getToken();
    emulator.endAllSessions();
    const response = await front('/attask/api/proj', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: Readable.from([Buffer.from('{}')]),
    });
    expect(response.status).toBe(200);
    expect(emulator.exchangeRequests).toHaveLength(2);
  });

  it('fails if the body was a long stream, and sends another session with the next call', async () => {
    await app.get(WorkfrontTokenProvider).getToken();
    emulator.endAllSessions();
    const error: unknown = await front('/attask/api/proj', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: Readable.from([
        Buffer.from('{}'),
        ...Array<Buffer>(9).fill(Buffer.alloc(1024 * 1024, ' ')),
      ]),
    }).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(BoxAuthError);
    expect(error).toMatchObject({ code: 'body_not_replayable' });
    expect((await front(PROJECTS)).status).toBe(200);
    expect(emulator.exchangeRequests).toHaveLength(2);
  });

  it('returns a 401 that another session does not fix', async () => {
    emulator.failNext('api', { kind: 'status', status: 401 }, 2);
    expect((await front(PROJECTS)).status).toBe(401);
    expect(emulator.apiRequests).toHaveLength(2);
  });

  it('requests no session after a 403', async () => {
    emulator.failNext('api', { kind: 'status', status: 403 });
    expect((await front(PROJECTS)).status).toBe(403);
    expect(emulator.apiRequests).toHaveLength(1);
    expect(emulator.exchangeRequests).toHaveLength(1);
  });

  it('fails with the reason if there is no session', async () => {
    emulator.failNext('exchange', { kind: 'status', status: 400 });
    const error: unknown = await front(PROJECTS).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(BoxAuthError);
    expect(error).toMatchObject({ code: 'token_request_refused' });
    expect(emulator.apiRequests).toEqual([]);
  });
});

describe('WorkfrontHttpModule', () => {
  it('takes the options of axios', async () => {
    const other = await Test.createTestingModule({
      imports: [
        WorkfrontAuthModule.forRoot({ url: emulator.url, ...emulator.credentials }),
        WorkfrontHttpModule.register({
          baseURL: `${emulator.url}/attask/api/v17.0`,
          headers: { 'x-mine': '1' },
        }),
      ],
    }).compile();
    const { status } = await other.get(WorkfrontHttpService).axiosRef.get('/proj/search');
    expect(status).toBe(200);
    expect(emulator.apiRequests[0]?.path).toBe(PROJECTS);
    expect(emulator.apiRequests[0]?.headers['x-mine']).toBe('1');
    await other.close();
  });
});
