import { type IncomingMessage, type ServerResponse } from 'node:http';
import { Exchange, type ExchangeContext, requestUrl } from './exchange.js';
import { type Fault } from './faults.js';
import { type HttpAnswer } from './http-answer.js';

export interface DownloadOriginParts extends ExchangeContext {
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
    const exchange = new Exchange('download', request, response, this.#parts);
    const fault = this.#parts.faults.take('download');
    if (fault && !(await exchange.play(fault))) return;
    await exchange.readBody(0);
    exchange.send(this.#answer(request));
  }

  #answer(request: IncomingMessage): HttpAnswer {
    const { dialect } = this.#parts;
    for (const name of dialect.credentialHeaders) {
      if (request.headers[name] !== undefined) {
        return dialect.badRequest(`The ${name} header must not be sent to this origin.`);
      }
    }
    const url = requestUrl(request);
    const file =
      request.method === 'GET' && url?.pathname === '/download'
        ? this.#source.redeemTicket(url.searchParams.get('signature') ?? '')
        : undefined;
    if (!file) return dialect.notFound();
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
