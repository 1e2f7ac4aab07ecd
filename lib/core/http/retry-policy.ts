import { systemCode } from '../errors/system-code.js';
import type { ApiRetryOptions } from './api-retries.options.js';

/** Describes the error responses of an issuer that end by themselves, besides those of HTTP. */
export interface RetryRules {
  /** Statuses whose meaning depends on the body. */
  readonly ambiguousStatuses: ReadonlySet<number>;
  /** Whether the body of such a response says that the issuer refused the call before it did anything, for a short time. */
  readonly isTemporaryRefusal: (body: string) => boolean;
}

/** The meaning of a result for its call. */
export type Verdict = 'final' | 'repeat' | 'rate-limited' | 'depends-on-body';

/** RFC 9110, section 9.2.2: to send such a request twice has the same effect as to send it once. */
const IDEMPOTENT_METHODS: ReadonlySet<string> = new Set([
  'GET',
  'HEAD',
  'OPTIONS',
  'PUT',
  'DELETE',
]);

const REQUEST_TIMEOUT = 408;
const TOO_MANY_REQUESTS = 429;

/** Not implemented, version not supported, no space, a loop, a missing extension, a captive portal: the next one fails, too. */
const PERMANENT_STATUSES: ReadonlySet<number> = new Set([501, 505, 507, 508, 510, 511]);

/** Codes of Node, undici and axios for connections that failed and responses that did not come. */
const TRANSIENT_CODES =
  /^(?:ECONN(?:RESET|REFUSED|ABORTED)|E(?:TIMEDOUT|PIPE|AI_AGAIN|HOSTUNREACH|NETUNREACH|NETDOWN)|UND_ERR_(?:SOCKET|(?:CONNECT|HEADERS|BODY)_TIMEOUT)|ERR_HTTP2_(?:STREAM_ERROR|STREAM_CANCEL|SESSION_ERROR|GOAWAY_SESSION))$/;

const FIRST_BACKOFF_MS = 1_000;
/** Added to `Retry-After`, so that calls with the same one are not repeated together. */
const MAX_JITTER_MS = 1_000;

/** Decides from the result of a request whether its call is repeated, and after which time. Without I/O. */
export class RetryPolicy {
  constructor(
    private readonly options: Required<ApiRetryOptions>,
    private readonly rules: RetryRules,
    private readonly random: () => number,
  ) {}

  /** `method` is in upper case. */
  verdictOnStatus(method: string, status: number): Verdict {
    if (status === TOO_MANY_REQUESTS) return 'rate-limited';
    if (this.rules.ambiguousStatuses.has(status)) return 'depends-on-body';
    return isTransientStatus(status) && this.#isRepeatable(method) ? 'repeat' : 'final';
  }

  /** The verdict on a request without a response. It may have reached the server. */
  verdictOnError(method: string, error: unknown): Verdict {
    const isTransient = TRANSIENT_CODES.test(systemCode(error) ?? '');
    return isTransient && this.#isRepeatable(method) ? 'repeat' : 'final';
  }

  verdictOnBody(body: string): Verdict {
    return this.rules.isTemporaryRefusal(body) ? 'repeat' : 'final';
  }

  /** Milliseconds before the repetition with this number, from 1. Undefined if the server asks for too long a wait. */
  delayMs(repetition: number, retryAfterMs: number | undefined): number | undefined {
    if (retryAfterMs === undefined) return this.backoffMs(repetition);
    return retryAfterMs > this.options.maxDelayMs
      ? undefined
      : retryAfterMs + this.random() * MAX_JITTER_MS;
  }

  /** Exponential, with full jitter. */
  backoffMs(repetition: number): number {
    const maxMs = Math.min(FIRST_BACKOFF_MS * 2 ** (repetition - 1), this.options.maxDelayMs);
    return this.random() * maxMs;
  }

  #isRepeatable(method: string): boolean {
    return this.options.retryPosts || IDEMPOTENT_METHODS.has(method);
  }
}

function isTransientStatus(status: number): boolean {
  return status === REQUEST_TIMEOUT || (status >= 500 && !PERMANENT_STATUSES.has(status));
}
