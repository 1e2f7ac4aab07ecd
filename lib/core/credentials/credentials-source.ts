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

/** Credentials that are an access token, so that no token request is needed. */
export interface StaticToken {
  readonly value: Secret;
  /** Milliseconds since the epoch; undefined if unknown. */
  readonly expiresAt: number | undefined;
  /** The kind of token, such as "app token". For errors. */
  readonly name: string;
  /** The owner of the token. For errors. */
  readonly owner: string;
  /** The error once the token has expired or was rejected. */
  readonly refusal: {
    readonly code: BoxAuthErrorCode;
    readonly hint: string;
    readonly docs: string;
  };
  /** How a person revokes it, as the app cannot. */
  readonly revocationHint: string;
}

/** The part of parsed credentials that all issuers share. */
export interface ParsedCredentials {
  /** The subject of a token when a call names none. */
  readonly subject: Subject;
  /** Identifies the credentials without revealing them. */
  readonly fingerprint: string;
  /** Identifies the app; undefined for credentials that name none. */
  readonly clientId?: string;
  /** Present if the credentials are an access token. */
  readonly staticToken?: StaticToken;
}

type OneOrMore<T> = T | readonly T[];
type CredentialsFunction<Form> = () => OneOrMore<Form> | Promise<OneOrMore<Form>>;

/** The option `credentials`: credentials, a list for one app, or a function that is called at every token request. */
export type CredentialsOption<Form> = OneOrMore<Form> | CredentialsFunction<Form>;

/** One or more credentials of one app. The first is the default. */
export type ParsedCredentialsList<Credentials> = readonly [Credentials, ...Credentials[]];

/** The credentials of an app, whether they are fixed or returned by a function. */
export class CredentialsSource<Form extends object, Credentials extends ParsedCredentials> {
  readonly #load: CredentialsFunction<Form> | undefined;
  readonly #parse: (form: Form, fieldNames: FieldNames) => Credentials;
  #parsed: ParsedCredentialsList<Credentials> | undefined;
  /** Every read fails with it. */
  readonly #problem: BoxAuthError | undefined;

  /**
   * Parses fixed credentials at once, so that a mistake in them fails the start. An error stands for credentials that are
   * known to be unreadable.
   */
  constructor(
    source: CredentialsOption<Form> | BoxAuthError,
    parse: (form: Form, fieldNames: FieldNames) => Credentials,
    private readonly help: CredentialsHelp,
  ) {
    this.#parse = parse;
    if (source instanceof BoxAuthError) {
      this.#problem = source;
    } else if (typeof source === 'function') {
      this.#load = source;
    } else {
      this.#parsed = this.#parseAll(source);
    }
  }

  /** The subject of the credentials that were read last; undefined before the first call of a function. */
  get subject(): Subject | undefined {
    return this.#parsed?.[0].subject;
  }

  /** Whether the next `read` may return other credentials. */
  get isFunction(): boolean {
    return this.#load !== undefined;
  }

  /**
   * Returns the current credentials.
   *
   * @throws BoxAuthError `credentials_unavailable` if the function fails, and the errors of parsing its result
   */
  async read(): Promise<ParsedCredentialsList<Credentials>> {
    if (this.#problem !== undefined) throw this.#problem;
    if (this.#load === undefined && this.#parsed !== undefined) {
      return this.#parsed;
    }
    const forms = await this.#loadForms();
    try {
      this.#parsed = this.#parseAll(forms);
    } catch (error) {
      throw error instanceof BoxAuthError ? retryableError(error) : error;
    }
    return this.#parsed;
  }

  async #loadForms(): Promise<OneOrMore<Form>> {
    try {
      const forms = await this.#load?.();
      if (forms === undefined) throw new TypeError('it returned undefined');
      return forms;
    } catch (error) {
      throw credentialsUnavailable('failed', this.help.docs, error);
    }
  }

  #parseAll(forms: OneOrMore<Form>): ParsedCredentialsList<Credentials> {
    try {
      return this.#parseEach(forms);
    } catch (error) {
      if (error instanceof BoxAuthError) throw error;
      throw configInvalid('Reading the fields of the credentials failed.', this.help, error);
    }
  }

  #parseEach(forms: OneOrMore<Form>): ParsedCredentialsList<Credentials> {
    const isList = (value: OneOrMore<Form>): value is readonly Form[] => Array.isArray(value);
    if (!isList(forms)) return [this.#parse(forms, optionFieldNames('credentials'))];
    const [first, ...others] = forms.map((form, index) =>
      this.#parse(form, optionFieldNames(`credentials[${index}]`)),
    );
    if (first === undefined) {
      throw configInvalid(
        'Invalid credentials: expected one or more key pairs or tokens, received an empty list.',
        this.help,
      );
    }
    const index = others.findIndex(({ subject }) => !isSameSubject(subject, first.subject));
    if (index >= 0) {
      throw configInvalid(
        `Invalid credentials[${index + 1}]: expected the subject of credentials[0], received another subject. A list holds several keys of one app; for several apps, give each a name.`,
        this.help,
      );
    }
    return [first, ...others];
  }
}

/** A function may return correct credentials later. Until then it is called with pauses, not at every request. */
function retryableError({ code, message, hint, docs, cause }: BoxAuthError): BoxAuthError {
  return new BoxAuthError({ code, message, hint, docs, cause, retryable: true });
}
