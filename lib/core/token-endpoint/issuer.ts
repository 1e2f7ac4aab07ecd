import type { Subject } from '../credentials/subject.js';
import type { BoxAuthError } from '../errors/box-auth.error.js';

/** What a token endpoint answered, when it was no token: as it came, to be judged. Shown is only what `shown` makes of it. */
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
  /** A line of a text of the answer, without anything secret in it. */
  readonly shown: (text: string) => string;
  /** How far off the clock was by which the request was signed, as its answer has shown; 0 if it has not. */
  readonly clockErrorMs?: number;
}

/** The form of a request to the token endpoint. */
export type Form = Readonly<Record<string, string>>;

/** What one attempt at the token endpoint knows that the attempt before did not. */
export interface Attempt {
  /** 0 for the first, counting on within one mint. */
  readonly number: number;
  /** The issuer's time: milliseconds since the epoch. */
  readonly serverNow: number;
  /** A string that was never sent before. */
  readonly uniqueId: string;
  /** The issuer refused `iat` as lying in the future: leave it out. */
  readonly omitIssuedAt: boolean;
}

/** One who issues tokens, described: everything that differs between Box and another. */
export interface Issuer<Credentials> {
  /** As it is called in messages. */
  readonly name: string;
  readonly tokenUrl: string;
  /** Where its token endpoint is documented. */
  readonly docs: string;
  /**
   * Whether a subject that a caller names can exist at all. Left out by an issuer with one subject per app.
   *
   * @throws BoxAuthError `subject_invalid`
   */
  checkSubject?(subject: Subject): void;
  /** The form of one token request (RFC 6749 section 4). Made anew for every attempt. */
  tokenForm(credentials: Credentials, subject: Subject, attempt: Attempt): Promise<Form>;
  /** Whether a refusal is about the key alone, so that another key of the same app may be taken. */
  isKeyError(error: BoxAuthError): boolean;
  /** Why no token came, with what to do about it. */
  toError(refusal: ErrorResponse): BoxAuthError;
}
