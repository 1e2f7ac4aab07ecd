import type { ParsedBoxCredentials } from './credentials/box-credentials.js';
import type { Subject } from '../core/credentials/subject.js';
import { BoxAuthError } from '../core/errors/box-auth.error.js';
import type { Form } from '../core/token-endpoint/issuer.js';
import type { TokenCache } from '../core/tokens/token-cache.js';
import { rejected } from '../core/tokens/rejection-throttle.js';

interface RevocationEndpoint {
  revoke(url: string, makeForm: () => Promise<Form>, signal?: AbortSignal): Promise<void>;
  currentCredentials(): Promise<ParsedBoxCredentials>;
}

/** Revokes tokens (RFC 7009): https://developer.box.com/reference/post-oauth2-revoke/. */
export class Revocation {
  readonly #url: string;

  constructor(
    private readonly tokens: TokenCache,
    private readonly endpoint: RevocationEndpoint,
    apiUrl: string,
  ) {
    this.#url = `${apiUrl}/oauth2/revoke`;
  }

  /** Keeps the token until Box has revoked it, so that the caller can retry after a failure. */
  async revoke(subject: Subject | undefined): Promise<void> {
    try {
      const token = this.tokens.peek(subject);
      if (token === undefined) return;
      const form = async () => ({
        ...clientOf(await this.endpoint.currentCredentials()),
        token: token.value,
      });
      await this.tokens.whileOpen((signal) => this.endpoint.revoke(this.#url, form, signal));
      this.tokens.drop(token);
    } catch (error) {
      await rejected(error);
    }
  }
}

function clientOf(credentials: ParsedBoxCredentials): Record<string, string> {
  if (credentials.kind === 'static-token') {
    const { name, revocationHint, refusal } = credentials.staticToken;
    throw new BoxAuthError({
      code: 'revocation_unsupported',
      message: `Cannot revoke this ${name}: the credentials have no client secret.`,
      hint: revocationHint,
      docs: refusal.docs,
    });
  }
  return { client_id: credentials.clientId, client_secret: credentials.clientSecret.reveal() };
}
