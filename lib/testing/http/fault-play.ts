import { once } from 'node:events';
import { type ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { promisify } from 'node:util';
import { type AnswerDialect } from './answer-dialect.js';
import { type Fault } from './faults.js';
import { type HttpAnswer, oauthError } from './http-answer.js';

// Taken at once, before a test puts fake timers in its place.
const sleep = promisify(setTimeout);

const HUGE_BYTES = 64 * 1024 * 1024;
const CHUNK = 'x'.repeat(64 * 1024);

export interface FaultScene {
  readonly dialect: AnswerDialect;
  readonly response: ServerResponse;
  /** Ends what waits when the emulator stops. */
  readonly signal: AbortSignal;
  send(answer: HttpAnswer): void;
}

/** Tells whether the ordinary answer is still to be given. */
export async function playFault(fault: Fault, scene: FaultScene): Promise<boolean> {
  switch (fault.kind) {
    case 'delay':
      await untilStopped(sleep(fault.ms, undefined, { signal: scene.signal }), scene.signal);
      return !scene.signal.aborted;
    case 'hold':
      await untilStopped(fault.until, scene.signal);
      return !scene.signal.aborted;
    case 'hang':
      break;
    case 'reset':
      scene.response.socket?.resetAndDestroy();
      break;
    case 'status':
      scene.send(fault);
      break;
    case 'rate-limit':
      scene.send(scene.dialect.rateLimited(fault.retryAfter));
      break;
    case 'unavailable':
      scene.send(scene.dialect.unavailable());
      break;
    case 'refuse':
      scene.send(oauthError(fault.error, fault.errorDescription, fault.status));
      break;
    case 'redirect':
      scene.send({ status: 302, headers: { location: fault.location } });
      break;
    case 'garbage':
      scene.send({
        status: 200,
        headers: { 'content-type': fault.contentType ?? 'text/html; charset=utf-8' },
        body:
          fault.body ??
          `<!doctype html><title>Sign in</title><p>This is not ${scene.dialect.service}.</p>`,
      });
      break;
    case 'huge':
      scene.send({
        status: 200,
        headers: { 'content-type': 'application/json' },
        body: Readable.from(hugeJson()),
      });
      break;
  }
  return false;
}

/** A fault that leaves the request as it is, so that it can still be answered or never will be. */
export function isSilent({ kind }: Fault): boolean {
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
