import type { IncomingMessage } from 'node:http';
import type { TokenSubject } from './token-ledger.js';

/** A request as the emulator received it. */
export interface RecordedRequest {
  readonly method: string;
  /** With the query. */
  readonly path: string;
  /** Names in lower case; values that came more than once are joined with a comma. */
  readonly headers: Readonly<Record<string, string>>;
  /** The `as-user` header. */
  readonly actingUser?: string;
  /** Whom the bearer token is for, even if it is expired or revoked; at the token endpoint, whom a token is asked for. */
  readonly subject?: TokenSubject;
  /** The status that it was answered with; missing while it waits, and for good if it is never answered. */
  readonly status?: number;
  /** The decoded form of a request to the token endpoint or the revocation endpoint. */
  readonly body?: Readonly<Record<string, string>>;
}

/** `exchange` is the token endpoint of Workfront. */
export type RequestKind = 'token' | 'revoke' | 'exchange' | 'api' | 'download';

/** A record while the request is being answered. */
export type OpenRecord = { -readonly [Key in keyof RecordedRequest]: RecordedRequest[Key] };

export class RequestLog {
  #entries: { readonly kind: RequestKind; readonly record: RecordedRequest }[] = [];

  add(kind: RequestKind, request: IncomingMessage): OpenRecord {
    const headers = Object.fromEntries(
      Object.entries(request.headersDistinct).map(([name, values]) => [
        name,
        values?.join(', ') ?? '',
      ]),
    );
    const actingUser = headers['as-user'];
    const record: OpenRecord = {
      method: request.method ?? '',
      path: request.url ?? '',
      headers,
      ...(actingUser !== undefined && { actingUser }),
    };
    this.#entries.push({ kind, record });
    return record;
  }

  of(...kinds: readonly RequestKind[]): readonly RecordedRequest[] {
    return this.#entries.filter(({ kind }) => kinds.includes(kind)).map(({ record }) => record);
  }

  clear(): void {
    this.#entries = [];
  }
}

/** How many of a kind were under way at once, at the most. */
export class ConcurrencyGauge {
  readonly #current = new Map<string, number>();
  readonly #highest = new Map<string, number>();

  /** Call what it returns when that one is over. */
  enter(kind: string): () => void {
    const count = this.#add(kind, 1);
    this.#highest.set(kind, Math.max(count, this.highest(kind)));
    let isInside = true;
    return () => {
      if (isInside) this.#add(kind, -1);
      isInside = false;
    };
  }

  current(kind: string): number {
    return this.#current.get(kind) ?? 0;
  }

  highest(kind: string): number {
    return this.#highest.get(kind) ?? 0;
  }

  #add(kind: string, difference: number): number {
    const count = this.current(kind) + difference;
    this.#current.set(kind, count);
    return count;
  }
}
