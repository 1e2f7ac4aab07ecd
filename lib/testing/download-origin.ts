import { type IncomingMessage, type ServerResponse } from 'node:http';
import { type BoxAnswer, boxError } from './box-answer.js';
import { notFound } from './emulated-api.js';
import { type EmulatedDrive } from './emulated-drive.js';
import { Exchange, type ExchangeContext } from './exchange.js';
import { type FaultPlan } from './faults.js';

export interface DownloadOriginParts extends ExchangeContext {
  readonly faults: FaultPlan;
}

const BASE = 'http://emulator';

/** What `dl.boxcloud.com` is: its addresses are signed, so that credentials have no business there. */
export class DownloadOrigin {
  readonly #parts: DownloadOriginParts;
  readonly #drive: EmulatedDrive;

  constructor(parts: DownloadOriginParts, drive: EmulatedDrive) {
    this.#parts = parts;
    this.#drive = drive;
  }

  async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const exchange = new Exchange('download', request, response, this.#parts);
    const fault = this.#parts.faults.take('download');
    if (fault && !(await exchange.play(fault))) return;
    await exchange.readBody(0);
    exchange.send(this.#answer(request));
  }

  #answer({ method, url = '', headers }: IncomingMessage): BoxAnswer {
    for (const name of ['authorization', 'as-user']) {
      if (headers[name] !== undefined) {
        const message = `The ${name} header must not be sent to this origin.`;
        return boxError(400, 'bad_request', message);
      }
    }
    if (method !== 'GET' || !URL.canParse(url, BASE)) return notFound();
    const { pathname, searchParams } = new URL(url, BASE);
    const file =
      pathname === '/download'
        ? this.#drive.redeemTicket(searchParams.get('signature') ?? '')
        : undefined;
    if (!file) return notFound();
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
