import { BoxAuthError } from '../errors/box-auth.error.js';
import type { BoxAuthErrorCode } from '../errors/error-codes.js';
import type { ErrorResponse } from './issuer.js';

/**
 * How far a refusal reaches: the app with every subject, one tenant (an enterprise that uses the app), or one subject. A
 * refusal that could be about either names the narrower one, so that one subject's failure does not spread to others.
 */
export type ErrorScope = 'client' | 'tenant' | 'subject';

/** A known refusal of an issuer: how to recognise it, its scope, its meaning and the fix. */
export interface KnownErrorResponse {
  readonly matches: (refusal: ErrorResponse) => boolean;
  readonly scope: ErrorScope;
  readonly code: BoxAuthErrorCode;
  readonly summary: string;
  readonly hint: string;
  readonly docs: string;
  readonly retryable?: true;
}

/** Who refuses, and what is said of a refusal that is not known. */
export interface ErrorResponseContext {
  readonly name: string;
  /** Lower case; undefined if its answers carry no id. */
  readonly requestIdHeader?: string;
  readonly fallback: Pick<KnownErrorResponse, 'scope' | 'code' | 'hint' | 'docs'>;
}

// Beside the errors, not in them: the scope says how long to remember a refusal for whom, and is no caller's business.
const scopes = new WeakMap<BoxAuthError, ErrorScope>();

/** Whom a refusal is about. An error that no table described is about one subject at most. */
export function scopeOf(error: BoxAuthError): ErrorScope {
  return scopes.get(error) ?? 'subject';
}

/** A copy of a remembered refusal, with the given changes and the scope of the original. */
export function repeated(
  error: BoxAuthError,
  changes: Parameters<BoxAuthError['with']>[0],
): BoxAuthError {
  const copy = error.with(changes);
  scopes.set(copy, scopeOf(error));
  return copy;
}

/** What passes by itself, wherever it is met. */
export function transientErrorResponses(
  name: string,
  status: { readonly page: string; readonly rateLimits: string; readonly errors: string },
): readonly KnownErrorResponse[] {
  return [
    {
      matches: (refusal) => refusal.status === 429,
      scope: 'client',
      code: 'rate_limited',
      summary: `${name} takes no more requests for the moment.`,
      hint: 'Wait for retryAfterMs. If it lasts, mint fewer tokens: where one process has many subjects, do not begin with all at once, and raise maxSubjects so that their tokens are kept; in a fleet, share tokens through a store.',
      docs: status.rateLimits,
      retryable: true,
    },
    {
      matches: (refusal) => refusal.status >= 500 || refusal.status === 408,
      scope: 'client',
      code: 'unavailable',
      summary: `${name} is not available.`,
      hint: `It is retried by itself; if it lasts, see ${status.page}.`,
      docs: status.errors,
      retryable: true,
    },
  ];
}

/** A refusal as an error: the first of `known` that fits says what it means. */
export function toBoxAuthError(
  refusal: ErrorResponse,
  known: readonly KnownErrorResponse[],
  { name, requestIdHeader, fallback }: ErrorResponseContext,
): BoxAuthError {
  const match = known.find(({ matches }) => matches(refusal));
  const said = [refusal.error, refusal.description]
    .map((part) => refusal.shown(part ?? ''))
    .filter((part) => part !== '')
    .join(': ');
  const answered = `${name} answered ${refusal.status}${said === '' ? '' : ` (${said})`}.`;
  const { scope, code, hint, docs } = match ?? fallback;
  const error = new BoxAuthError({
    code,
    message: match === undefined ? answered : `${match.summary} ${answered}`,
    hint,
    docs,
    retryable: match?.retryable ?? false,
    status: refusal.status,
    requestId:
      requestIdHeader === undefined
        ? undefined
        : (refusal.headers.get(requestIdHeader) ?? undefined),
    retryAfterMs: refusal.retryAfterMs,
  });
  scopes.set(error, scope);
  return error;
}
