import { randomBytes } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { EmulatorClock } from './emulator-clock.js';
import type { Fault } from './faults.js';
import { HttpExchange, type HttpExchangeContext, requestUrl } from './http-exchange.js';
import type { HttpAnswer } from './http-response.js';

export interface DownloadOriginParts extends HttpExchangeContext {
  readonly faults: { take(target: 'download'): Fault | undefined };
}

/** Finds the file that a ticket gives access to. */
export interface DownloadSource {
  redeemTicket(ticket: string): DownloadedFile | undefined;
}

export interface DownloadedFile {
  readonly name: string;
  readonly content: Buffer;
  readonly contentType: string;
}

/** The URL on the download origin for a ticket. */
export function signedDownloadUrl(downloadUrl: string, ticket: string): string {
  const url = new URL('/download', downloadUrl);
  url.searchParams.set('signature', ticket);
  return url.href;
}

/** The counterpart of `dl.boxcloud.com`: its URLs are signed, so it rejects credentials. */
export class DownloadOrigin {
  readonly #parts: DownloadOriginParts;
  readonly #source: DownloadSource;

  constructor(parts: DownloadOriginParts, source: DownloadSource) {
    this.#parts = parts;
    this.#source = source;
  }

  async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const exchange = new HttpExchange('download', request, response, this.#parts);
    const fault = this.#parts.faults.take('download');
    if (fault && !(await exchange.inject(fault))) return;
    await exchange.readBody(0);
    await exchange.send(this.#respond(request));
  }

  #respond(request: IncomingMessage): HttpAnswer {
    const { responses } = this.#parts;
    for (const name of responses.credentialHeaders) {
      if (request.headers[name] !== undefined) {
        return responses.badRequest(`The ${name} header must not be sent to this origin.`);
      }
    }
    const url = requestUrl(request);
    const file =
      request.method === 'GET' && url?.pathname === '/download'
        ? this.#source.redeemTicket(url.searchParams.get('signature') ?? '')
        : undefined;
    if (!file) return responses.notFound();
    const headers = {
      'accept-ranges': 'bytes',
      'content-type': file.contentType,
      'content-disposition': `attachment; filename*=UTF-8''${extValue(file.name)}`,
    };
    return withRange(file.content, request.headers.range, headers);
  }
}

/** Applies one byte range (RFC 9110 section 14). Another form of the header is ignored, as the RFC permits. */
function withRange(
  content: Buffer,
  range: string | undefined,
  headers: Readonly<Record<string, string>>,
): HttpAnswer {
  const [, first = '', last = ''] = /^bytes=(\d*)-(\d*)$/.exec(range ?? '') ?? [];
  if (first === '' && last === '') return { status: 200, headers, body: content };
  const size = content.byteLength;
  const start = first === '' ? Math.max(size - Number(last), 0) : Number(first);
  const end = first === '' || last === '' ? size - 1 : Math.min(Number(last), size - 1);
  if (start > end) return { status: 416, headers: { 'content-range': `bytes */${size}` } };
  return {
    status: 206,
    headers: { ...headers, 'content-range': `bytes ${start}-${end}/${size}` },
    body: content.subarray(start, end + 1),
  };
}

/** Encodes a name as RFC 8187 section 3.2.1 requires: `encodeURIComponent` leaves some of its delimiters unescaped. */
function extValue(name: string): string {
  return encodeURIComponent(name).replace(
    /['()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

const LIFETIME_MS = 15 * 60_000;

/** The tickets in signed download URLs: each gives access to its file once, within 15 minutes. */
export class DownloadTickets {
  readonly #clock: EmulatorClock;
  readonly #tickets = new Map<string, { readonly fileId: string; readonly expiresAtMs: number }>();

  constructor(clock: EmulatorClock) {
    this.#clock = clock;
  }

  issue(fileId: string): string {
    const nowMs = this.#clock.nowMs();
    for (const [old, { expiresAtMs }] of this.#tickets) {
      if (expiresAtMs > nowMs) break;
      this.#tickets.delete(old);
    }
    const ticket = randomBytes(24).toString('base64url');
    this.#tickets.set(ticket, { fileId, expiresAtMs: nowMs + LIFETIME_MS });
    return ticket;
  }

  /** Returns the id of the file; undefined for an unknown, used or expired ticket. */
  redeem(ticket: string): string | undefined {
    const entry = this.#tickets.get(ticket);
    this.#tickets.delete(ticket);
    return entry && entry.expiresAtMs > this.#clock.nowMs() ? entry.fileId : undefined;
  }
}
