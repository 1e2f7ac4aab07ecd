import type { Subject } from '../credentials/subject.js';
import type { BoxAuthError } from '../errors/box-auth.error.js';
import type { AccessToken } from './access-token.js';

/** An unchanged error response of a token endpoint. Its text may contain secrets: pass it through `shown` before use. */
export interface ErrorResponse {
  readonly status: number;
  readonly headers: Headers;
  /** `error` of RFC 6749 section 5.2, if the body was JSON and had one. */
  readonly error?: string | undefined;
  /** `error_description` or `message`. */
  readonly description?: string | undefined;
  readonly retryAfterMs?: number | undefined;
  /** The whole body, if it was text. */
  readonly body?: string | undefined;
  /** Returns a text of the response as one line, with secrets redacted. */
  readonly shown: (text: string) => string;
  /** How far the `Date` of the response was ahead of the clock that dated the request; 0 if unknown. */
  readonly clockErrorMs?: number;
}

/** The `fetch` that sends token requests. */
export type Fetch = (url: string, init: RequestInit) => Promise<Response>;

/** The form of a request to the token endpoint. */
export type Form = Readonly<Record<string, string>>;

/** The values that differ between the attempts of a token request. */
export interface Attempt {
  /** Counts the attempts of one token request, from 0. */
  readonly number: number;
  /** The issuer's time: milliseconds since the epoch. */
  readonly serverNow: number;
  /** A string that was never sent before, for `jti`. */
  readonly uniqueId: string;
  /** Leave `iat` out: the issuer refused it because it was in the future. */
  readonly omitIssuedAt: boolean;
}

/** The token endpoint of an issuer: its address, and the meaning of its errors. */
export interface TokenEndpointDescription {
  /** The name in messages. */
  readonly name: string;
  readonly tokenUrl: string;
  /** URL of the documentation about its token endpoint. */
  readonly docs: string;
  /** Converts an error response to an error with a hint. */
  toError(response: ErrorResponse): BoxAuthError;
}

/** An issuer of tokens for apps. */
export interface Issuer<Credentials> extends TokenEndpointDescription {
  /**
   * Checks the id of a subject that a caller names. Issuers with one subject per app omit it.
   *
   * @throws BoxAuthError `subject_invalid`
   */
  checkSubject?(subject: Subject): void;
  /** The form of a token request (RFC 6749 section 4). Called again for every attempt. */
  tokenForm(credentials: Credentials, subject: Subject, attempt: Attempt): Promise<Form>;
  /**
   * Checks whether a new token is for its subject, where the form of the request cannot ensure that. Sends nothing for other
   * subjects.
   *
   * @throws BoxAuthError if it is not
   */
  verifyToken?(token: AccessToken, send: Fetch, signal: AbortSignal): Promise<void>;
  /** Whether `error` is about the key alone, so that another key of the app may be accepted. */
  isKeyError(error: BoxAuthError): boolean;
}
