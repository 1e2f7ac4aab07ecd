import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { promisify } from 'node:util';
import { type HttpAnswer, oauthError, type ServiceResponses } from './http-response.js';
import type { RecordedRequest } from './request-log.js';

/**
 * The requests that a fault of `BoxEmulator` applies to: token requests, revocations, API calls, downloads, or the calls of
 * one endpoint, such as `'GET /2.0/files/:id'`.
 */
export type FaultTarget = 'token' | 'revoke' | 'api' | 'download' | `${string} /${string}`;

/**
 * A failure that replaces or delays the regular response.
 *
 * | Kind | Effect on the client |
 * | --- | --- |
 * | `status` | a response with that status; a `body` object is sent as JSON |
 * | `rate-limit` | the service's 429; `Retry-After` is a number of seconds or an HTTP date |
 * | `unavailable` | the service's 503 |
 * | `refuse` | an OAuth error, by default with status 400 |
 * | `redirect` | a 302 to `location` |
 * | `garbage` | a 200 with an HTML page, or with the given body |
 * | `huge` | a 200 whose JSON never ends: 64 MiB, or until the client disconnects |
 * | `delay` | the regular response, `ms` later |
 * | `hold` | the regular response, after `until` settles |
 * | `reset` | a connection reset (RST) |
 * | `hang` | no response, until the client disconnects or the emulator stops |
 *
 * With `processed: true`, the service processes the request before, and the client does not learn the result.
 *
 * @example
 * ```ts
 * import { type Fault } from 'nestjs-box-auth/testing';
 *
 * const limited: Fault = { kind: 'rate-limit', retryAfter: 2 };
 * const lostResponse: Fault = { kind: 'reset', processed: true };
 * ```
 */
export type Fault = (
  | {
      readonly kind: 'status';
      readonly status: number;
      readonly headers?: Readonly<Record<string, string>>;
      readonly body?: string | Readonly<Record<string, unknown>>;
    }
  | { readonly kind: 'rate-limit'; readonly retryAfter: number | string }
  | { readonly kind: 'unavailable' }
  | {
      readonly kind: 'refuse';
      readonly error: string;
      readonly errorDescription: string;
      readonly status?: number;
    }
  | { readonly kind: 'redirect'; readonly location: string }
  | { readonly kind: 'garbage'; readonly body?: string; readonly contentType?: string }
  | { readonly kind: 'huge' }
  | { readonly kind: 'delay'; readonly ms: number }
  | { readonly kind: 'hold'; readonly until: Promise<unknown> }
  | { readonly kind: 'reset' }
  | { readonly kind: 'hang' }
) & {
  /**
   * Whether the service processes the request first, so that only its response fails: a refresh token is used, a file is
   * created. Default false. It does not apply to the resources of `route`.
   */
  readonly processed?: boolean;
};

/** Called with a complete token request. Returns the fault to inject, if any. */
export type TokenHook = (request: RecordedRequest) => Fault | undefined;

/** The faults that requests will get, by target. */
export class FaultQueue<Target extends string> {
  readonly #next = new Map<Target, Fault[]>();
  readonly #always = new Map<Target, Fault>();

  failNext(target: Target, fault: Fault, times: number): void {
    checkDelay(fault);
    const queue = this.#next.get(target) ?? [];
    for (let count = 0; count < times; count += 1) queue.push(fault);
    this.#next.set(target, queue);
  }

  always(target: Target, fault: Fault): void {
    checkDelay(fault);
    this.#always.set(target, fault);
  }

  heal(target?: Target): void {
    for (const faults of [this.#next, this.#always]) {
      if (target === undefined) faults.clear();
      else faults.delete(target);
    }
  }

  /** Takes the fault of the next request: those of `failNext` go before the one of `always`. */
  take(target: Target): Fault | undefined {
    return this.#next.get(target)?.shift() ?? this.#always.get(target);
  }
}

const MAX_DELAY_MS = 2 ** 31 - 1; // Node fires a longer timer at once

/** @throws RangeError for a delay that no timer supports */
function checkDelay(fault: Fault): void {
  if (fault.kind !== 'delay' || (fault.ms >= 0 && fault.ms <= MAX_DELAY_MS)) return;
  throw new RangeError(
    `Invalid delay: expected a number of ms from 0 to ${MAX_DELAY_MS}, received ${fault.ms}`,
  );
}

// Stored at import, before a test installs fake timers.
const sleep = promisify(setTimeout);

const HUGE_BYTES = 64 * 1024 * 1024;
const CHUNK = 'x'.repeat(64 * 1024);

export interface FaultContext {
  readonly responses: ServiceResponses;
  readonly response: ServerResponse;
  /** Aborts when the emulator stops. */
  readonly signal: AbortSignal;
  send(answer: HttpAnswer): void;
}

/** Returns whether the regular response is still to be sent. */
export async function injectFault(fault: Fault, context: FaultContext): Promise<boolean> {
  switch (fault.kind) {
    case 'delay':
      await untilStopped(sleep(fault.ms, undefined, { signal: context.signal }), context.signal);
      return !context.signal.aborted;
    case 'hold':
      await untilStopped(fault.until, context.signal);
      return !context.signal.aborted;
    case 'hang':
      break;
    case 'reset':
      context.response.socket?.resetAndDestroy();
      break;
    case 'status':
      context.send(fault);
      break;
    case 'rate-limit':
      context.send(context.responses.rateLimited(fault.retryAfter));
      break;
    case 'unavailable':
      context.send(context.responses.unavailable());
      break;
    case 'refuse':
      context.send(oauthError(fault.error, fault.errorDescription, fault.status));
      break;
    case 'redirect':
      context.send({ status: 302, headers: { location: fault.location } });
      break;
    case 'garbage':
      context.send({
        status: 200,
        headers: { 'content-type': fault.contentType ?? 'text/html; charset=utf-8' },
        body:
          fault.body ??
          `<!doctype html><title>Sign in</title><p>This is not ${context.responses.service}.</p>`,
      });
      break;
    case 'huge':
      context.send({
        status: 200,
        headers: { 'content-type': 'application/json' },
        body: Readable.from(hugeJson()),
      });
      break;
  }
  return false;
}

/** Whether a fault leaves the request body unread: the regular response reads it later, or no response is sent. */
export function leavesRequestUnread({ kind }: Fault): boolean {
  return kind === 'delay' || kind === 'hold' || kind === 'hang' || kind === 'reset';
}

/** Resolves when `waited` resolves or rejects, or when the emulator stops. */
async function untilStopped(waited: Promise<unknown>, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  const settled = new AbortController();
  const ended = once(signal, 'abort', { signal: settled.signal });
  await Promise.allSettled([Promise.race([waited, ended])]);
  settled.abort();
  await ended.catch(() => undefined);
}

function* hugeJson(): Generator<string> {
  yield '{"access_token":"';
  for (let sent = 0; sent < HUGE_BYTES; sent += CHUNK.length) yield CHUNK;
  yield '"}';
}
