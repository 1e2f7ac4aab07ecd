import type { Subject } from '../core/credentials/subject.js';
import type { Attempt, Form, Issuer } from '../core/token-endpoint/issuer.js';
import type { ParsedWorkfrontCredentials } from './workfront-credentials.js';
import { workfrontClaims } from './workfront-assertion.js';
import { workfrontDocs } from './workfront-docs.js';
import { workfrontTokenError } from './workfront-error-responses.js';

const EXCHANGE_PATH = '/integrations/oauth2/api/v1/jwt/exchange';

/** The token endpoint of Workfront. */
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
  ): Promise<Form> {
    const jwt = await signer.sign(workfrontClaims(customerId, subject.id, attempt));
    return { client_id: clientId, client_secret: clientSecret.reveal(), jwt_token: jwt };
  }

  /** Always false, because Workfront gives no reason when it refuses an assertion. */
  isKeyError(): boolean {
    return false;
  }

  toError = workfrontTokenError;
}
