import type { IncomingMessage, ServerResponse } from 'node:http';
import type { EmulatorClock } from './emulator-clock.js';
import { type Fault, injectFault, leavesRequestUnread } from './faults.js';
import { type HttpAnswer, sendResponse, type ServiceResponses } from './http-response.js';
import type { RouteHandler } from './routes.js';
import type { OpenRecord, RequestKind, RequestLog } from './request-log.js';

/** The headers of a request, with every value; names are in lower case. */
export type HeaderValues = Readonly<Record<string, readonly string[] | undefined>>;

export interface HttpExchangeContext {
  readonly clock: EmulatorClock;
  readonly responses: ServiceResponses;
  readonly log: RequestLog;
  /** Aborts when the emulator stops. */
  readonly stopSignal: AbortSignal;
}

/** One request to an emulator, and its response. */
export class HttpExchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly record: OpenRecord;
  readonly #context: HttpExchangeContext;
  /** A fault that waits until the request is processed. */
  #faultOfResponse: Fault | undefined;

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

  /** Sends the regular response, or injects the fault that waited for it. */
  async send(answer: HttpAnswer): Promise<void> {
    const fault = this.#faultOfResponse;
    if (!fault || (await this.#injectNow(fault))) this.#write(answer);
  }

  /** Calls the handler of a test, which sends the response itself: no fault can wait for that. */
  async handle(handler: RouteHandler): Promise<void> {
    const fault = this.#faultOfResponse;
    if (fault && !(await this.inject({ ...fault, processed: false }))) return;
    await handler(this.request, this.response);
  }

  /** Returns whether the request is still to be processed. */
  async inject(fault: Fault): Promise<boolean> {
    if (fault.processed) {
      this.#faultOfResponse = fault;
      return true;
    }
    if (!leavesRequestUnread(fault)) await this.readBody(0);
    return this.#injectNow(fault);
  }

  /**
   * Reads the body; undefined if it is over the limit. It is always read to its end, as a client that is still sending may
   * never read the response.
   */
  async readBody(limitBytes: number): Promise<Buffer | undefined> {
    let chunks: Buffer[] = [];
    let length = 0;
    // Without an encoding, the chunks of a request are Buffers.
    for await (const chunk of this.request as AsyncIterable<Buffer>) {
      length += chunk.byteLength;
      if (length <= limitBytes) chunks.push(chunk);
      else chunks = [];
    }
    return length <= limitBytes ? Buffer.concat(chunks) : undefined;
  }

  /** Calls `callback` once, after the response was sent or the client disconnected. */
  whenOver(callback: () => void): void {
    let isOver = false;
    const once = (): void => {
      if (!isOver) callback();
      isOver = true;
    };
    this.response.once('finish', once).once('close', once);
  }

  #injectNow(fault: Fault): Promise<boolean> {
    return injectFault(fault, {
      responses: this.#context.responses,
      response: this.response,
      signal: this.#context.stopSignal,
      send: (answer) => this.#write(answer),
    });
  }

  #write(answer: HttpAnswer): void {
    if (this.response.headersSent || this.response.destroyed) return;
    // Set before the response is sent: a client may read the log as soon as it has the response.
    this.record.status = answer.status;
    sendResponse(this.response, answer, this.#commonHeaders());
  }

  /** `Date` follows the clock of the service, which may differ from this machine's. */
  #commonHeaders(): Readonly<Record<string, string>> {
    const { clock, responses } = this.#context;
    return { date: new Date(clock.nowMs()).toUTCString(), ...responses.commonHeaders() };
  }
}

/** Undefined if the request target is not a valid URL. */
export function requestUrl({ url = '' }: IncomingMessage): URL | undefined {
  const base = 'http://emulator';
  return URL.canParse(url, base) ? new URL(url, base) : undefined;
}
