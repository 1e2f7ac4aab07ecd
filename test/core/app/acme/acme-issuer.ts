import type { Form, Issuer } from '../../../../lib/core/token-endpoint/issuer.js';
import type { ParsedAcmeCredentials } from './acme-credentials.js';
import { acmeDocs } from './acme-docs.js';
import { acmeTokenError } from './acme-error-responses.js';

/** Client credentials (RFC 6749 section 4.4). */
export class AcmeIssuer implements Issuer<ParsedAcmeCredentials> {
  readonly name = 'Acme';
  readonly docs = acmeDocs;
  readonly tokenUrl: string;

  constructor(apiUrl: string) {
    this.tokenUrl = `${apiUrl}/oauth2/token`;
  }

  async tokenForm({ clientId, clientSecret }: ParsedAcmeCredentials): Promise<Form> {
    return {
      grant_type: 'client_credentials',
      client_id: clientId,
      client_secret: clientSecret.reveal(),
    };
  }

  isKeyError(): boolean {
    return false;
  }

  toError = acmeTokenError;
}
