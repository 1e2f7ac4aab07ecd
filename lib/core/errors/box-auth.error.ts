import type { BoxAuthErrorCode } from './error-codes.js';
import { sanitizedCause } from './redact.js';

const BRAND = Symbol.for('nestjs-box-auth.BoxAuthError');

/** What a {@link BoxAuthError} is made of. */
export interface BoxAuthErrorDetails {
  readonly code: BoxAuthErrorCode;
  readonly message: string;
  readonly hint: string;
  readonly docs: string;
  readonly retryable?: boolean | undefined;
  readonly status?: number | undefined;
  readonly requestId?: string | undefined;
  readonly retryAfterMs?: number | undefined;
  /** Anything that was thrown. Kept as a copy without secrets, never as it is. */
  readonly cause?: unknown;
}

/**
 * The one error of this package. It carries no secret: not in its message, own properties, cause, JSON or `util.inspect`.
 *
 * Tell errors apart by `code`. `instanceof` also holds for an error of another copy of the package (one process can load
 * the ES module and the CommonJS build).
 *
 * @example
 * ```ts
 * import { BoxAuthError, type BoxTokenProvider } from 'nestjs-box-auth';
 *
 * async function tokenOrReason(box: BoxTokenProvider): Promise<string> {
 *   try {
 *     return (await box.getToken()).fingerprint;
 *   } catch (error) {
 *     if (error instanceof BoxAuthError && error.code === 'app_not_authorized') {
 *       return `Ask the Box admin: ${error.hint}`;
 *     }
 *     throw error;
 *   }
 * }
 * ```
 */
export class BoxAuthError extends Error {
  /** What happened, as one word of a closed set. */
  readonly code: BoxAuthErrorCode;
  /** What to do about it, in a sentence. */
  readonly hint: string;
  /** Where to read more. */
  readonly docs: string;
  /** Whether the same request may succeed later without anybody mending anything. */
  readonly retryable: boolean;
  /** The HTTP status that was answered, if there was an answer. */
  declare readonly status?: number;
  /** Box's id of the request, for its support. */
  declare readonly requestId?: string;
  /** Milliseconds to wait before another attempt makes sense. */
  declare readonly retryAfterMs?: number;

  constructor(details: BoxAuthErrorDetails) {
    super(
      details.message,
      details.cause === undefined ? undefined : { cause: sanitizedCause(details.cause) },
    );
    this.name = 'BoxAuthError';
    this.code = details.code;
    this.hint = details.hint;
    this.docs = details.docs;
    this.retryable = details.retryable ?? false;
    if (details.status !== undefined) this.status = details.status;
    if (isRequestId(details.requestId)) this.requestId = details.requestId;
    if (details.retryAfterMs !== undefined) this.retryAfterMs = details.retryAfterMs;
  }

  /** @internal Tells errors of this package from others, whichever copy of it made them. */
  get [BRAND](): true {
    return true;
  }

  /** @internal `instanceof`, also across copies of the package. */
  static override [Symbol.hasInstance](value: unknown): boolean {
    try {
      return typeof value === 'object' && value !== null && BRAND in value;
    } catch {
      return false; // a Proxy may throw, also at this
    }
  }

  /** The same error told anew, as it is now: one that is remembered says for how long. */
  with(changes: Pick<BoxAuthErrorDetails, 'message' | 'retryAfterMs'>): BoxAuthError {
    const { code, hint, docs, retryable, status, requestId, cause } = this;
    return new BoxAuthError({ code, hint, docs, retryable, status, requestId, cause, ...changes });
  }

  /** What JSON shows of it: no secret, and of its cause a line. */
  toJSON(): Record<string, unknown> {
    return {
      name: this.name,
      code: this.code,
      message: this.message,
      hint: this.hint,
      docs: this.docs,
      retryable: this.retryable,
      status: this.status,
      requestId: this.requestId,
      retryAfterMs: this.retryAfterMs,
      cause: this.cause instanceof Error ? String(this.cause) : undefined,
    };
  }
}

/** It comes from a server, and goes to logs and terminals. */
function isRequestId(given: string | undefined): given is string {
  return given !== undefined && /^[\w.:-]{1,64}$/.test(given);
}
