import { parseUrl } from '../core/http/url-rules.js';
import { isObject } from './headers.js';

/** The dispatch options that the interceptor reads, in every version of undici. */
export interface UndiciCall {
  readonly origin?: string | URL | undefined;
  readonly path: unknown;
  readonly method: string;
  readonly headers?: unknown;
  readonly body?: unknown;
  readonly upgrade?: unknown;
  readonly signal?: unknown;
  readonly headersTimeout?: unknown;
  /** undici 6 only. */
  readonly maxRedirections?: unknown;
}

/** The address of a call. Its URL is parsed only if it is read. */
export class Target {
  constructor(
    readonly base: URL,
    readonly path: string,
  ) {}

  get url(): URL {
    return new URL(this.base.origin + this.path);
  }
}

/**
 * Returns a function that reads the target of a call. It returns undefined for a tunnel, an upgrade, a path that is an absolute
 * URL, as in a request to a proxy, and for a call that undici rejects.
 */
export function targetReader(
  onlyOrigin: string | null | undefined,
): (call: UndiciCall) => Target | undefined {
  // Most calls have the same origin as the one before.
  let lastOrigin = '';
  let base: URL | undefined;
  return (call) => {
    if (!isObject(call) || call.method === 'CONNECT' || call.upgrade) return undefined;
    const { path } = call;
    if (typeof path !== 'string' || !path.startsWith('/')) return undefined;
    const origin = String(onlyOrigin === undefined ? call.origin : onlyOrigin);
    if (origin !== lastOrigin) {
      lastOrigin = origin;
      base = parseUrl(origin);
    }
    return base === undefined || base.origin === 'null' ? undefined : new Target(base, path);
  };
}
