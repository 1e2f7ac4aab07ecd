import { BoxAuthError } from '../errors/box-auth.error.js';
import type { Secret } from '../errors/secret.js';
import type { Subject } from './subject.js';

/** What every kind of credentials has once it is read, whoever the issuer is. */
export interface Opened {
  /** Whom tokens are for when a call names nobody. */
  readonly subject: Subject;
  /** Tells these credentials from others without telling what they are. */
  readonly fingerprint: string;
  /** Credentials that are a token themselves: none has to be asked for. */
  readonly givenToken?: Secret;
}

/** Credentials that were read once, or a function that is asked anew at every mint. */
export class CredentialsSource<Form extends object, Credentials extends Opened> {
  readonly #ask: (() => Form | Promise<Form>) | undefined;
  readonly #open: (form: Form) => Credentials;
  #opened: Credentials | undefined;

  /** Given credentials are opened here and now, so that a mistake in them fails the start. */
  constructor(source: Form | (() => Form | Promise<Form>), open: (form: Form) => Credentials) {
    this.#open = open;
    if (typeof source === 'function') {
      this.#ask = source;
    } else {
      this.#opened = open(source);
    }
  }

  /** The credentials of the last reading; undefined if a function was never asked. */
  get current(): Credentials | undefined {
    return this.#opened;
  }

  /**
   * The credentials as they are now.
   *
   * @throws BoxAuthError `credentials_unavailable` if the function fails, and those of opening what it gave
   */
  async read(): Promise<Credentials> {
    if (this.#ask === undefined && this.#opened !== undefined) {
      return this.#opened;
    }
    this.#opened = this.#open(await this.#given());
    return this.#opened;
  }

  async #given(): Promise<Form> {
    try {
      const form = await this.#ask?.();
      if (form === undefined) throw new TypeError('it returned undefined');
      return form;
    } catch (error) {
      throw new BoxAuthError({
        code: 'credentials_unavailable',
        message: 'The credentials function of the module options failed.',
        hint: 'See the cause: the vault or file that the function reads did not answer. It is asked again at the next mint.',
        docs: 'https://developer.box.com/guides/authentication/select/',
        retryable: true,
        cause: error,
      });
    }
  }
}
