import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { promisify } from 'node:util';
import { type ServiceResponses, type HttpAnswer, oauthError } from './http-response.js';

/** What a fault of `BoxEmulator` is put on: token requests, revocations, API calls, downloads from the second origin. */
export type FaultTarget = 'token' | 'revoke' | 'api' | 'download';

/**
 * Something that goes wrong instead of, or before, the ordinary answer.
 *
 * | kind | what the client sees |
 * | --- | --- |
 * | `status` | that status; an object as `body` goes out as JSON |
 * | `rate-limit` | the service's 429 with `Retry-After`: seconds, or a string as it is (an HTTP date) |
 * | `unavailable` | the service's 503 |
 * | `refuse` | an OAuth error, 400 unless given |
 * | `redirect` | a 302 to `location` |
 * | `garbage` | a 200 with HTML, or what is given |
 * | `huge` | a 200 of JSON that goes on until the client leaves, at most 64 MiB |
 * | `delay` | the ordinary answer, `ms` later |
 * | `hold` | the ordinary answer, once `until` is settled |
 * | `reset` | a connection reset (RST) |
 * | `hang` | nothing, until the client leaves or the emulator stops |
 *
 * @example
 * ```ts
 * import { type Fault } from 'nestjs-box-auth/testing';
 *
 * const fault: Fault = { kind: 'rate-limit', retryAfter: 2 };
 * ```
 */
export type Fault =
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
  | { readonly kind: 'hang' };

/** Which request meets which fault. */
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

  /** The fault for a request that has just come in; what was asked for once goes first. */
  take(target: Target): Fault | undefined {
    return this.#next.get(target)?.shift() ?? this.#always.get(target);
  }
}

const MAX_DELAY_MS = 2 ** 31 - 1; // a longer timer of Node ends at once

/** @throws RangeError for a delay that no timer can have */
function checkDelay(fault: Fault): void {
  if (fault.kind !== 'delay' || (fault.ms >= 0 && fault.ms <= MAX_DELAY_MS)) return;
  throw new RangeError(
    `Invalid ms of a delay: expected a number from 0 to ${MAX_DELAY_MS}, received ${fault.ms}`,
  );
}

// Taken at once, before a test puts fake timers in its place.
const sleep = promisify(setTimeout);

const HUGE_BYTES = 64 * 1024 * 1024;
const CHUNK = 'x'.repeat(64 * 1024);

export interface FaultContext {
  readonly responses: ServiceResponses;
  readonly response: ServerResponse;
  /** Ends what waits when the emulator stops. */
  readonly signal: AbortSignal;
  send(answer: HttpAnswer): void;
}

/** Tells whether the ordinary answer is still to be given. */
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

/** A fault that leaves the request as it is, so that it can still be answered or never will be. */
export function leavesRequestUnread({ kind }: Fault): boolean {
  return kind === 'delay' || kind === 'hold' || kind === 'hang' || kind === 'reset';
}

/** What is waited for may fail in its own way: it only says when. */
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
