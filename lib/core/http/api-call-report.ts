import { AsyncResource } from 'node:async_hooks';
import { systemCode } from '../errors/system-code.js';
import { publishEvent } from '../events/auth-channels.js';
import type { ApiRequestEvent, AuthEventSource } from '../events/auth-events.js';
import type { Runtime } from '../runtime/runtime.js';

type Result = Pick<ApiRequestEvent, 'status' | 'errorType'>;
/** Starts to measure a request. Returns a function that emits its event. */
type StartRequest = (url: URL, method: unknown, attempt: number) => (result: Result) => void;

/** Emits an `api-request` event for each request of one call. A call has a report only if something listens. */
export class ApiCallReport {
  /**
   * Listeners run in it: a client may receive a response in the context of the call that opened the connection. Not
   * `AsyncResource.bind`, which takes 25 us on Node 20.
   */
  readonly #callerContext = new AsyncResource('nestjs-box-auth.ApiCallReport');
  #attempts = 0;
  #waitingSince: number;
  /** The result of the last request. */
  #last: Result = {};

  /** The call begins to wait for its token. */
  constructor(
    private readonly runtime: Runtime,
    private readonly source: AuthEventSource,
    private readonly acting: ApiRequestEvent['acting'],
    private readonly enterprise?: string,
  ) {
    this.#waitingSince = runtime.monotonic();
  }

  /** The client sends the request of the call, or repeats it. */
  sent(url: URL, method: unknown): ApiRequestReport {
    this.#attempts += 1;
    return new ApiRequestReport(this.#start, url, method, this.#attempts);
  }

  readonly #start: StartRequest = (url, method, attempt) => {
    const { runtime, acting, enterprise } = this;
    const sentAt = runtime.monotonic();
    const waitedMs = sentAt - this.#waitingSince;
    const startedAt = runtime.now();
    const { status, errorType } = this.#last;
    const repeatedAfter = attempt === 1 ? {} : { repeatedAfter: status ?? errorType };
    return (result) => {
      this.#last = result;
      this.#waitingSince = runtime.monotonic();
      const durationMs = this.#waitingSince - sentAt;
      const { host, port } = serverOf(url);
      const event: ApiRequestEvent = {
        kind: 'api-request',
        method: typeof method === 'string' ? method.toUpperCase() : 'GET',
        host,
        port,
        acting,
        enterprise,
        attempt,
        ...repeatedAfter,
        waitedMs,
        startedAt,
        durationMs,
        ...result,
      };
      this.#callerContext.runInAsyncScope(publishEvent, undefined, event, this.source);
    };
  };
}

/** Emits the event of one request at its first result, and those of the redirects that the client follows itself. */
export class ApiRequestReport {
  #end: ((result: Result) => void) | undefined;

  constructor(
    private readonly start: StartRequest,
    url: URL,
    method: unknown,
    attempt: number,
  ) {
    this.#end = start(url, method, attempt);
  }

  /** A response began. Informational ones, such as 103, do not count. */
  responded(status: number): void {
    if (status >= 200) this.#finish({ status });
  }

  /** The request failed. The error of some clients is a response. */
  failed(error: unknown): void {
    const status = statusOf(error);
    this.#finish(status === undefined ? { errorType: errorTypeOf(error) } : { status });
  }

  /** The client follows a redirect, to an address that gets our headers, too. */
  redirected(url: URL, method: unknown): void {
    this.#end = this.start(url, method, 1);
  }

  #finish(result: Result): void {
    const end = this.#end;
    this.#end = undefined;
    end?.(result);
  }
}

/** Sends a request, and reports it if the call has a report. */
export function reported<Response extends { readonly status: number }>(
  report: ApiCallReport | undefined,
  url: URL,
  method: string,
  send: () => Promise<Response>,
): Promise<Response> {
  return report === undefined ? send() : follow(report.sent(url, method), send);
}

async function follow<Response extends { readonly status: number }>(
  report: ApiRequestReport,
  send: () => Promise<Response>,
): Promise<Response> {
  try {
    const response = await send();
    report.responded(response.status);
    return response;
  } catch (error) {
    report.failed(error);
    throw error;
  }
}

function serverOf(url: URL): Pick<ApiRequestEvent, 'host' | 'port'> {
  return {
    host: url.hostname.replace(/^\[(.*)\]$/, '$1'), // an IPv6 address
    port: Number(url.port) || (url.protocol === 'https:' ? 443 : 80),
  };
}

function statusOf(error: unknown): number | undefined {
  const status = property(error, 'status');
  return typeof status === 'number' ? status : undefined;
}

/** Only what the code of a library names, never a number: an app may abort a call with any value as the reason. */
function errorTypeOf(error: unknown): string {
  return [systemCode(error), property(error, 'name')].find(isKnownType) ?? '_OTHER';
}

function isKnownType(type: unknown): type is string {
  return typeof type === 'string' && /^(?:[A-Za-z_]|\d(?!\d))+$/.test(type);
}

/** Undefined where a getter or a Proxy throws. */
function property(value: unknown, name: string): unknown {
  try {
    return value instanceof Error ? Reflect.get(value, name) : undefined;
  } catch {
    return undefined;
  }
}
