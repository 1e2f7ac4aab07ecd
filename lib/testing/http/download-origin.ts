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
    exchange.send(this.#respond(request));
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
    return {
      status: 200,
      headers: {
        'content-type': file.contentType,
        'content-disposition': `attachment; filename*=UTF-8''${extValue(file.name)}`,
      },
      body: file.content,
    };
  }
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
    const ticket = randomBytes(24).toString('base64url');
    this.#tickets.set(ticket, { fileId, expiresAtMs: this.#clock.nowMs() + LIFETIME_MS });
    return ticket;
  }

  /** Returns the id of the file; undefined for an unknown, used or expired ticket. */
  redeem(ticket: string): string | undefined {
    const entry = this.#tickets.get(ticket);
    this.#tickets.delete(ticket);
    return entry && entry.expiresAtMs > this.#clock.nowMs() ? entry.fileId : undefined;
  }
}
