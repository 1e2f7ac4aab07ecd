import { BoxAuthError } from '../errors/box-auth.error.js';
import type { BoxAuthErrorCode } from '../errors/error-codes.js';
import type { ErrorResponse } from './issuer.js';

/**
 * The scope of a refusal: the app with every subject, one tenant (an enterprise that uses the app), or one subject. If a
 * response is ambiguous, the narrower scope counts, so that the failure of one subject does not affect others.
 */
export type ErrorScope = 'client' | 'tenant' | 'subject';

/** A known error response of an issuer: how to recognise it, its scope, its meaning and the fix. */
export interface KnownErrorResponse {
  readonly matches: (response: ErrorResponse) => boolean;
  readonly scope: ErrorScope;
  readonly code: BoxAuthErrorCode;
  readonly summary: string;
  readonly hint: string;
  readonly docs: string;
  readonly retryable?: true;
}

/** The issuer of an error response, and the defaults for an unknown response. */
export interface ErrorResponseContext {
  readonly name: string;
  /** Lower case; undefined if its responses have no id. */
  readonly requestIdHeader?: string;
  readonly fallback: Pick<KnownErrorResponse, 'scope' | 'code' | 'hint' | 'docs'>;
}

// Internal, so not a property of the errors: the scope decides which subjects a refusal is remembered for.
const scopes = new WeakMap<BoxAuthError, ErrorScope>();

/** The scope of an error. An error that was not made from a response is about one subject at most. */
export function scopeOf(error: BoxAuthError): ErrorScope {
  return scopes.get(error) ?? 'subject';
}

/** Whether an error was made from a response: only that proves something about the credentials or the subject. */
export function isRefusal(error: unknown): error is BoxAuthError {
  return error instanceof BoxAuthError && !error.retryable && scopes.has(error);
}

/** Marks an error as a refusal of its subject. */
export function asRefusalOfSubject(error: BoxAuthError): BoxAuthError {
  scopes.set(error, 'subject');
  return error;
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

const TOKEN_REQUEST_HINTS = {
  rateLimited:
    'Wait for retryAfterMs. If this lasts, request fewer tokens: spread out the first calls of many subjects, raise maxSubjects so that their tokens stay cached, and share tokens between processes through a store.',
  unavailable: 'The request is retried automatically.',
};

/** The error responses that are transient at any endpoint. `hints` says what a caller can do there. */
export function transientErrorResponses(
  name: string,
  documents: { readonly page: string; readonly rateLimits: string; readonly errors: string },
  hints: typeof TOKEN_REQUEST_HINTS = TOKEN_REQUEST_HINTS,
): readonly KnownErrorResponse[] {
  return [
    {
      matches: ({ status }) => status === 429,
      scope: 'client',
      code: 'rate_limited',
      summary: `${name} does not accept more requests at the moment.`,
      hint: hints.rateLimited,
      docs: documents.rateLimits,
      retryable: true,
    },
    {
      matches: ({ status }) => status >= 500 || status === 408,
      scope: 'client',
      code: 'unavailable',
      summary: `${name} is not available.`,
      hint: `${hints.unavailable} If this lasts, see ${documents.page}.`,
      docs: documents.errors,
      retryable: true,
    },
  ];
}

/** Converts an error response to an error. The first match in `known` gives its meaning. */
export function toBoxAuthError(
  response: ErrorResponse,
  known: readonly KnownErrorResponse[],
  { name, requestIdHeader, fallback }: ErrorResponseContext,
): BoxAuthError {
  const match = known.find(({ matches }) => matches(response));
  const details = [response.error, response.description]
    .map((part) => response.shown(part ?? ''))
    .filter((part) => part !== '')
    .join(': ');
  const statusLine = `${name} returned ${response.status}${details === '' ? '' : ` (${details})`}.`;
  const { scope, code, hint, docs } = match ?? fallback;
  const error = new BoxAuthError({
    code,
    message: match === undefined ? statusLine : `${match.summary} ${statusLine}`,
    hint,
    docs,
    retryable: match?.retryable ?? false,
    status: response.status,
    requestId:
      requestIdHeader === undefined
        ? undefined
        : (response.headers.get(requestIdHeader) ?? undefined),
    retryAfterMs: response.retryAfterMs,
  });
  scopes.set(error, scope);
  return error;
}
