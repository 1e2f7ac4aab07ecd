import type { BoxAuthErrorCode } from './error-codes.js';
import { sanitizedCause } from './redact.js';

const BRAND = Symbol.for('nestjs-box-auth.BoxAuthError');

/** The constructor argument of {@link BoxAuthError}. */
export interface BoxAuthErrorDetails {
  readonly code: BoxAuthErrorCode;
  readonly message: string;
  readonly hint: string;
  readonly docs: string;
  readonly retryable?: boolean | undefined;
  readonly status?: number | undefined;
  readonly requestId?: string | undefined;
  readonly retryAfterMs?: number | undefined;
  readonly enterprise?: string | undefined;
  readonly connectUrl?: string | undefined;
  /** Any thrown value. The error keeps a copy without secrets. */
  readonly cause?: unknown;
}

/**
 * The error class of this package. It contains no secret: not in its message, properties, cause, JSON or `util.inspect`.
 *
 * Distinguish errors by `code`. `instanceof` also works for errors of another copy of the package, as one process can load
 * the ES module and the CommonJS build.
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
  /** The kind of error: one of a closed set of codes. */
  readonly code: BoxAuthErrorCode;
  /** How to fix it, in a sentence or two. */
  readonly hint: string;
  /** URL of the documentation. */
  readonly docs: string;
  /** Whether the same request may succeed later without any change. */
  readonly retryable: boolean;
  /** The HTTP status of the response, if there was one. For a refused webhook: the status to respond with. */
  declare readonly status?: number;
  /** The request id, for Box support. */
  declare readonly requestId?: string;
  /** Milliseconds to wait before another attempt makes sense. */
  declare readonly retryAfterMs?: number;
  /** The id of the enterprise that the error is about, if that is a tenant of the app. */
  declare readonly enterprise?: string;
  /** The path of the app at which the person can connect an account, if the error asks for that and the path is known. */
  declare readonly connectUrl?: string;

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
    if (details.enterprise !== undefined) this.enterprise = details.enterprise;
    if (details.connectUrl !== undefined) this.connectUrl = details.connectUrl;
  }

  /** @internal Marks errors of this package, whichever copy of it created them. */
  get [BRAND](): true {
    return true;
  }

  /** @internal Implements `instanceof` across copies of the package. */
  static override [Symbol.hasInstance](value: unknown): boolean {
    try {
      return typeof value === 'object' && value !== null && BRAND in value;
    } catch {
      return false; // a Proxy may throw on `in`
    }
  }

  /** A copy with changes, such as the remaining `retryAfterMs` of a remembered error. */
  with(
    changes: Pick<BoxAuthErrorDetails, 'message' | 'retryAfterMs' | 'enterprise' | 'connectUrl'>,
  ): BoxAuthError {
    const { code, hint, docs, retryable, status, requestId, enterprise, connectUrl, cause } = this;
    const details = { code, hint, docs, retryable, status, requestId, enterprise, connectUrl };
    return new BoxAuthError({ ...details, cause, ...changes });
  }

  /** The JSON form: without secrets, and with the cause as one line. */
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
      enterprise: this.enterprise,
      connectUrl: this.connectUrl,
      cause: this.cause instanceof Error ? String(this.cause) : undefined,
    };
  }
}

/** Strict, because the id comes from a server and goes to logs and terminals. */
function isRequestId(id: string | undefined): id is string {
  return id !== undefined && /^[\w.:-]{1,64}$/.test(id);
}
