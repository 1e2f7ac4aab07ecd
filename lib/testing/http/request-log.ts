import type { IncomingMessage } from 'node:http';
import type { TokenSubject } from './token-ledger.js';

/** A request as the emulator received it. */
export interface RecordedRequest {
  readonly method: string;
  /** Includes the query. */
  readonly path: string;
  /** Names are in lower case; repeated values are joined with a comma. */
  readonly headers: Readonly<Record<string, string>>;
  /** The `as-user` header. */
  readonly actingUser?: string;
  /** The subject of the bearer token, even an expired or revoked one; at the token endpoint, the requested subject. */
  readonly subject?: TokenSubject;
  /** `BoxEmulator` only: the id of the enterprise of `subject`; missing if Box does not know the subject. */
  readonly enterprise?: string;
  /** The status of the response; missing until the emulator sends one. */
  readonly status?: number;
  /** The decoded form of a request to the token or the revocation endpoint, or of the authorize page. */
  readonly body?: Readonly<Record<string, string>>;
}

/** `authorize` is the page where users grant access; `exchange` is the token endpoint of Workfront; `control` is a resource that controls the emulator. */
export type RequestKind =
  'authorize' | 'token' | 'revoke' | 'exchange' | 'api' | 'download' | 'control';

/** A record whose request is still being served. */
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

/** Counts concurrent requests by kind, and keeps the highest count of each. */
export class ConcurrencyGauge {
  readonly #current = new Map<string, number>();
  readonly #highest = new Map<string, number>();

  /** Counts one more request, until the returned function is called. */
  enter(kind: string): () => void {
    const count = this.#add(kind, 1);
    this.#highest.set(kind, Math.max(count, this.highest(kind)));
    let isActive = true;
    return () => {
      if (isActive) this.#add(kind, -1);
      isActive = false;
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
