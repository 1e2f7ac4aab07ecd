import type { IncomingMessage, ServerResponse } from 'node:http';
import { HttpExchange, type HttpExchangeContext, requestUrl } from './http-exchange.js';
import type { Fault } from './faults.js';
import type { HttpAnswer } from './http-response.js';
import { randomBytes } from 'node:crypto';
import type { EmulatorClock } from './emulator-clock.js';

export interface DownloadOriginParts extends HttpExchangeContext {
  readonly faults: { take(target: 'download'): Fault | undefined };
}

/** Where the files are that tickets open. */
export interface DownloadSource {
  redeemTicket(ticket: string): DownloadedFile | undefined;
}

export interface DownloadedFile {
  readonly name: string;
  readonly content: Buffer;
  readonly contentType: string;
}

/** The address on a download origin that a ticket opens. */
export function downloadAddress(downloadUrl: string, ticket: string): string {
  const address = new URL('/download', downloadUrl);
  address.searchParams.set('signature', ticket);
  return address.href;
}

/** What `dl.boxcloud.com` is to Box: its addresses are signed, so that credentials have no business there. */
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
    exchange.send(this.#answer(request));
  }

  #answer(request: IncomingMessage): HttpAnswer {
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

/** A name as RFC 8187 section 3.2.1 wants it: `encodeURIComponent` leaves characters that are delimiters there. */
function extValue(name: string): string {
  return encodeURIComponent(name).replace(
    /['()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

const LIFETIME_MS = 15 * 60_000;

/** What a signed download address is worth: each ticket opens its file once, for a quarter of an hour. */
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

  /** The id of the file. */
  redeem(ticket: string): string | undefined {
    const entry = this.#tickets.get(ticket);
    this.#tickets.delete(ticket);
    return entry && entry.expiresAtMs > this.#clock.nowMs() ? entry.fileId : undefined;
  }
}
