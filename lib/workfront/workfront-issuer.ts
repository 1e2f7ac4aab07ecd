import type { Subject } from '../core/credentials/subject.js';
import type { Attempt, Issuer } from '../core/token-endpoint/issuer.js';
import type { ParsedWorkfrontCredentials } from './workfront-credentials.js';
import { workfrontClaims } from './workfront-assertion.js';
import { workfrontDocs } from './workfront-docs.js';
import { workfrontTokenError } from './workfront-error-responses.js';

export const EXCHANGE_PATH = '/integrations/oauth2/api/v1/jwt/exchange';

/** Workfront, as one who issues tokens. */
export class WorkfrontIssuer implements Issuer<ParsedWorkfrontCredentials> {
  readonly name = 'Workfront';
  readonly docs = workfrontDocs.jwtFlow;
  readonly tokenUrl: string;

  constructor(origin: string) {
    this.tokenUrl = `${origin}${EXCHANGE_PATH}`;
  }

  async tokenForm(
    { clientId, clientSecret, customerId, signer }: ParsedWorkfrontCredentials,
    subject: Subject,
    attempt: Attempt,
  ): Promise<Readonly<Record<string, string>>> {
    const jwt = await signer.sign(workfrontClaims(customerId, subject.id, attempt));
    return { client_id: clientId, client_secret: clientSecret.reveal(), jwt_token: jwt };
  }

  /** Workfront does not say what it refuses an exchange for. */
  isKeyError(): boolean {
    return false;
  }

  toError = workfrontTokenError;
}
