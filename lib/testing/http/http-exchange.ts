import type { IncomingMessage, ServerResponse } from 'node:http';
import { type ServiceResponses, type HttpAnswer, sendResponse } from './http-response.js';
import type { EmulatorClock } from './emulator-clock.js';
import { leavesRequestUnread, injectFault, type Fault } from './faults.js';
import type { OpenRecord, RequestKind, RequestLog } from './request-log.js';

export interface HttpExchangeContext {
  readonly clock: EmulatorClock;
  readonly responses: ServiceResponses;
  readonly log: RequestLog;
  /** Ends whatever still waits when the emulator stops. */
  readonly stopSignal: AbortSignal;
}

/** One request and the answer it gets. */
export class HttpExchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly record: OpenRecord;
  readonly #context: HttpExchangeContext;

  constructor(
    kind: RequestKind,
    request: IncomingMessage,
    response: ServerResponse,
    context: HttpExchangeContext,
  ) {
    this.request = request;
    this.response = response;
    this.record = context.log.add(kind, request);
    this.#context = context;
    for (const [name, value] of Object.entries(this.#commonHeaders())) {
      response.setHeader(name, value);
    }
    this.whenOver(() => {
      if (response.headersSent) this.record.status = response.statusCode;
    });
  }

  send(answer: HttpAnswer): void {
    if (this.response.headersSent || this.response.destroyed) return;
    // Not left to the end of the response: a client may look at the log as soon as it has the answer.
    this.record.status = answer.status;
    sendResponse(this.response, answer, this.#commonHeaders());
  }

  /** Tells whether the ordinary answer is still to be given. */
  async inject(fault: Fault): Promise<boolean> {
    if (!leavesRequestUnread(fault)) await this.readBody(0);
    return injectFault(fault, {
      responses: this.#context.responses,
      response: this.response,
      signal: this.#context.stopSignal,
      send: (answer) => this.send(answer),
    });
  }

  /**
   * Undefined when the body is over the limit. It is read to its end all the same: a client that is still sending may
   * never look at the answer.
   */
  async readBody(limitBytes: number): Promise<Buffer | undefined> {
    let chunks: Buffer[] = [];
    let length = 0;
    // Without an encoding set, a request's chunks are buffers.
    for await (const chunk of this.request as AsyncIterable<Buffer>) {
      length += chunk.byteLength;
      if (length <= limitBytes) chunks.push(chunk);
      else chunks = [];
    }
    return length <= limitBytes ? Buffer.concat(chunks) : undefined;
  }

  /** Calls once, when the answer is out or the client is gone. */
  whenOver(callback: () => void): void {
    let isOver = false;
    const once = (): void => {
      if (!isOver) callback();
      isOver = true;
    };
    this.response.once('finish', once).once('close', once);
  }

  /** `Date` is the service's clock, which need not be this machine's. */
  #commonHeaders(): Readonly<Record<string, string>> {
    const { clock, responses } = this.#context;
    return { date: new Date(clock.nowMs()).toUTCString(), ...responses.commonHeaders() };
  }
}

/** Undefined for a target that is no address. */
export function requestUrl({ url = '' }: IncomingMessage): URL | undefined {
  const base = 'http://emulator';
  return URL.canParse(url, base) ? new URL(url, base) : undefined;
}
