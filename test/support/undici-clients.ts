import { Readable, Writable } from 'node:stream';
import * as undici from 'undici';
import * as undici6 from 'undici6';
import type { BoxTokenProvider } from 'nestjs-box-auth';
import { boxAuthInterceptor } from 'nestjs-box-auth/undici';

/** A request that every client can send. */
export interface Call {
  readonly method?: string;
  readonly headers?: Record<string, string>;
  readonly body?: unknown;
  readonly signal?: AbortSignal;
}

/** One way to send requests with undici and our interceptor. */
export interface UndiciClient {
  call(url: string, call?: Call): Promise<{ readonly status: number; readonly text: string }>;
  newFormData(): { set(name: string, value: string): void };
  close(): Promise<void>;
}

/** Composes the interceptor `times` times (default 1). */
export type Opening = (provider: BoxTokenProvider, times?: number) => UndiciClient;

export const requests = {
  'request of undici 6': opening(undici6, viaRequest(undici6)),
  'request of undici 7': opening(undici, viaRequest(undici)),
} as const;

export const fetches = {
  'fetch of undici 6': opening(undici6, viaFetch(undici6.fetch)),
  'fetch of undici 7': opening(undici, viaFetch(undici.fetch)),
  'global fetch on undici 6': globally(opening(undici6, viaFetch(fetch), FormData), undici6),
  'global fetch on undici 7': globally(opening(undici, viaFetch(fetch), FormData), undici),
} as const;

export const clients = {
  ...requests,
  ...fetches,
  'stream of undici 6': opening(undici6, viaStream(undici6)),
  'stream of undici 7': opening(undici, viaStream(undici)),
} as const;

/** For `describe.each` and `it.each`. */
export function rows(openings: Readonly<Record<string, Opening>>): [string, Opening][] {
  return Object.entries(openings);
}

type Undici = typeof undici | typeof undici6;
// Each version expects a dispatcher of its own. Here it always comes from the library in use.
type Dispatcher = undici.Dispatcher & undici6.Dispatcher;
type Sending = (dispatcher: Dispatcher) => UndiciClient['call'];

const opened = new WeakMap<UndiciClient, Dispatcher>();

function opening(library: Undici, sending: Sending, Form = library.FormData): Opening {
  return (provider, times = 1) => {
    const agent = new library.Agent();
    const dispatcher = (agent as undici.Agent).compose(
      ...Array.from({ length: times }, () => boxAuthInterceptor(provider)),
      (library.interceptors as typeof undici.interceptors).redirect({ maxRedirections: 5 }),
    ) as Dispatcher;
    const client = {
      call: sending(dispatcher),
      newFormData: () => new Form(),
      close: () => agent.destroy(),
    };
    opened.set(client, dispatcher);
    return client;
  };
}

/** Sets the dispatcher of the process, the only one that the global `fetch` uses. */
function globally(open: Opening, library: Undici): Opening {
  return (provider, times) => {
    const { getGlobalDispatcher, setGlobalDispatcher } = library as typeof undici;
    const before = getGlobalDispatcher();
    const client = open(provider, times);
    setGlobalDispatcher(opened.get(client) ?? before);
    return {
      ...client,
      close: async () => {
        setGlobalDispatcher(before);
        await client.close();
      },
    };
  };
}

function viaRequest(library: Undici): Sending {
  return (dispatcher) => async (url, call) => {
    const request = library.request as typeof undici.request;
    const { statusCode, body } = await request(url, { ...(call as object), dispatcher });
    return { status: statusCode, text: await body.text() };
  };
}

function viaFetch(send: unknown): Sending {
  return (dispatcher) =>
    async (url, { body, ...call } = {}) => {
      const init = body === undefined ? call : { ...call, body, duplex: 'half' };
      const ours = send === globalThis.fetch ? {} : { dispatcher };
      const response = await (send as typeof fetch)(url, { ...init, ...ours } as RequestInit);
      return { status: response.status, text: await response.text() };
    };
}

function viaStream(library: Undici): Sending {
  return (dispatcher) => async (url, call) => {
    const chunks: Buffer[] = [];
    let status = 0;
    const stream = library.stream as typeof undici.stream;
    await stream(url, { method: 'GET', ...(call as object), dispatcher }, ({ statusCode }) => {
      status = statusCode;
      return new Writable({
        write(chunk: Buffer, _, done) {
          chunks.push(chunk);
          done();
        },
      });
    });
    return { status, text: Buffer.concat(chunks).toString() };
  };
}

/** A body of unknown length. */
export function streamOf(text: string): Readable {
  return Readable.from([Buffer.from(text)]);
}
