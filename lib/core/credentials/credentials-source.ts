import { BoxAuthError } from '../errors/box-auth.error.js';
import type { BoxAuthErrorCode } from '../errors/error-codes.js';
import type { Secret } from '../errors/secret.js';
import {
  type CredentialsHelp,
  configInvalid,
  credentialsUnavailable,
  type FieldNames,
  optionFieldNames,
} from './credentials-errors.js';
import { isSameSubject, type Subject } from './subject.js';

/** A token that the credentials contain, so that no token request is needed. */
export interface StaticToken {
  readonly value: Secret;
  /** Milliseconds since the epoch; undefined if unknown. */
  readonly expiresAt: number | undefined;
  /** For errors, such as "app token". */
  readonly name: string;
  /** Whose token it is, for errors. */
  readonly owner: string;
  /** The error once the token has expired or was refused. */
  readonly refusal: {
    readonly code: BoxAuthErrorCode;
    readonly hint: string;
    readonly docs: string;
  };
  /** How to revoke it: the app cannot. */
  readonly revocationHint: string;
}

/** What every kind of credentials has once it is read, whoever the issuer is. */
export interface ParsedCredentials {
  /** Whom tokens are for when a call names nobody. */
  readonly subject: Subject;
  /** Tells these credentials from others without telling what they are. */
  readonly fingerprint: string;
  /** Tells the app from others; undefined for credentials that name none. */
  readonly clientId?: string;
  /** For credentials that are a token themselves. */
  readonly staticToken?: StaticToken;
}

type Several<T> = T | readonly T[];

/** Credentials, several of one app, or a function that is asked for them at every mint. */
export type CredentialsOption<Form> =
  Several<Form> | (() => Several<Form> | Promise<Several<Form>>);

/** What is read: one or more credentials of one app, the first of them for whom nobody asks. */
export type ParsedCredentialsList<Credentials> = readonly [Credentials, ...Credentials[]];

/** Credentials that were read once, or a function that is asked anew at every mint. */
export class CredentialsSource<Form extends object, Credentials extends ParsedCredentials> {
  readonly #ask: (() => Several<Form> | Promise<Several<Form>>) | undefined;
  readonly #open: (form: Form, fieldNames: FieldNames) => Credentials;
  #opened: ParsedCredentialsList<Credentials> | undefined;

  /** Given credentials are opened here and now, so that a mistake in them fails the start. */
  constructor(
    source: CredentialsOption<Form>,
    open: (form: Form, fieldNames: FieldNames) => Credentials,
    private readonly advice: CredentialsHelp,
  ) {
    this.#open = open;
    if (typeof source === 'function') {
      this.#ask = source;
    } else {
      this.#opened = this.#openAll(source);
    }
  }

  /** Whom the credentials of the last reading stand for; undefined if a function was never asked. */
  get subject(): Subject | undefined {
    return this.#opened?.[0].subject;
  }

  /** Whether the next reading may return other credentials. */
  get isFunction(): boolean {
    return this.#ask !== undefined;
  }

  /**
   * The credentials as they are now.
   *
   * @throws BoxAuthError `credentials_unavailable` if the function fails, and those of opening what it gave
   */
  async read(): Promise<ParsedCredentialsList<Credentials>> {
    if (this.#ask === undefined && this.#opened !== undefined) {
      return this.#opened;
    }
    const given = await this.#given();
    try {
      this.#opened = this.#openAll(given);
    } catch (error) {
      throw error instanceof BoxAuthError ? fromFunction(error) : error;
    }
    return this.#opened;
  }

  #openAll(given: Several<Form>): ParsedCredentialsList<Credentials> {
    try {
      return this.#openEach(given);
    } catch (error) {
      if (error instanceof BoxAuthError) throw error;
      throw configInvalid('Reading the fields of credentials failed.', this.advice, error);
    }
  }

  #openEach(given: Several<Form>): ParsedCredentialsList<Credentials> {
    const isList = (value: Several<Form>): value is readonly Form[] => Array.isArray(value);
    if (!isList(given)) return [this.#open(given, optionFieldNames('credentials'))];
    const [first, ...others] = given.map((form, index) =>
      this.#open(form, optionFieldNames(`credentials[${index}]`)),
    );
    if (first === undefined) {
      throw configInvalid(
        'credentials is an empty list: expected one key pair or more.',
        this.advice,
      );
    }
    const stranger = others.findIndex(({ subject }) => !isSameSubject(subject, first.subject));
    if (stranger >= 0) {
      throw configInvalid(
        `credentials[${stranger + 1}] stands for another subject than credentials[0]: several credentials are several keys of one app. For several apps, give each a name.`,
        this.advice,
      );
    }
    return [first, ...others];
  }

  async #given(): Promise<Several<Form>> {
    try {
      const given = await this.#ask?.();
      if (given === undefined) throw new TypeError('it returned undefined');
      return given;
    } catch (error) {
      throw credentialsUnavailable('failed', this.advice.docs, error);
    }
  }
}

/** The function may return right credentials later: until then it is called with pauses, not at every request. */
function fromFunction({ code, message, hint, docs, cause }: BoxAuthError): BoxAuthError {
  return new BoxAuthError({ code, message, hint, docs, cause, retryable: true });
}
