import type { Subject } from '../core/credentials/subject.js';
import { BoxAuthError } from '../core/errors/box-auth.error.js';
import type { Attempt, Form, Issuer } from '../core/token-endpoint/issuer.js';
import { type AssertionOptions, boxClaims } from './box-assertion.js';
import { boxDocs } from './box-docs.js';
import { boxTokenError } from './box-error-responses.js';
import type { ParsedBoxCredentials } from './credentials/box-credentials.js';
import { isBoxId } from './credentials/box-id.js';

/** The name of the issuer in messages and events. */
export const BOX = 'Box';

/** The address of the Box API. */
export const BOX_API_URL = 'https://api.box.com';

/** The token endpoint of Box. */
export class BoxIssuer implements Issuer<ParsedBoxCredentials> {
  readonly name = BOX;
  readonly docs = boxDocs.jwt;
  readonly tokenUrl: string;

  constructor(
    apiUrl: string,
    private readonly assertion: AssertionOptions,
  ) {
    this.tokenUrl = `${apiUrl}/oauth2/token`;
  }

  async tokenForm(
    credentials: ParsedBoxCredentials,
    subject: Subject,
    attempt: Attempt,
  ): Promise<Form> {
    if (credentials.kind === 'static-token') {
      throw new TypeError('A fixed token needs no token request.');
    }
    const client = {
      client_id: credentials.clientId,
      client_secret: credentials.clientSecret.reveal(),
    };
    if (credentials.kind === 'client-secret') {
      return {
        ...client,
        grant_type: 'client_credentials', // RFC 6749 section 4.4
        box_subject_type: subject.type,
        box_subject_id: subject.id,
      };
    }
    const claims = boxClaims(credentials.clientId, subject, attempt, this.assertion);
    return {
      ...client,
      grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer', // RFC 7523 section 2.1
      assertion: await credentials.signer.sign(claims),
    };
  }

  isKeyError({ code }: BoxAuthError): boolean {
    return code === 'key_unknown' || code === 'signature_refused';
  }

  toError = boxTokenError;

  checkSubject({ id }: Subject): void {
    if (isBoxId(id)) return;
    throw new BoxAuthError({
      code: 'subject_invalid',
      message: 'Invalid subject: expected an id of 1 to 20 digits that does not begin with 0.',
      hint: 'Pass the id that Box assigned to the enterprise or user, not a login or an email address.',
      docs: boxDocs.userAccessTokens,
    });
  }
}
