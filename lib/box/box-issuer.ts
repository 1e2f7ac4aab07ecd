import { isRecord } from '../core/credentials/field-checks.js';
import type { Subject } from '../core/credentials/subject.js';
import { BoxAuthError } from '../core/errors/box-auth.error.js';
import type { AccessToken } from '../core/token-endpoint/access-token.js';
import type { Attempt, Fetch, Form, Issuer } from '../core/token-endpoint/issuer.js';
import { asRefusalOfSubject } from '../core/token-endpoint/known-error-responses.js';
import {
  readErrorResponse,
  readJsonObject,
  retryAfterIn,
  UnusableResponse,
} from '../core/token-endpoint/token-request.js';
import { type AssertionOptions, boxClaims } from './box-assertion.js';
import { boxDocs } from './box-docs.js';
import { boxApiResponseError, boxTokenError } from './box-error-responses.js';
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
    private readonly apiUrl: string,
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

  /**
   * A user token belongs to the enterprise of its user, which the grant does not name. So Box is asked before the token is used
   * for a tenant: https://developer.box.com/reference/get-users-me/.
   */
  async verifyToken({ subject, value }: AccessToken, send: Fetch, signal: AbortSignal) {
    const { enterprise } = subject;
    if (enterprise === undefined) return;
    const response = await send(`${this.apiUrl}/2.0/users/me?fields=enterprise`, {
      headers: { authorization: `Bearer ${value}`, accept: 'application/json' },
      redirect: 'manual',
      signal,
    });
    if (!response.ok) throw await refusalOf(response, value);
    if (enterpriseIn(await readJsonObject(response)) === enterprise) return;
    throw asRefusalOfSubject(
      new BoxAuthError({
        code: 'acting_user_invalid',
        message: `The acting user does not belong to enterprise ${enterprise}.`,
        hint: 'Look up the user and the enterprise in the same record of your own, and pass the id of a user of that enterprise.',
        docs: boxDocs.userAccessTokens,
        enterprise,
      }),
    );
  }

  checkSubject({ id, enterprise }: Subject): void {
    if (isBoxId(id) && (enterprise === undefined || isBoxId(enterprise))) return;
    throw new BoxAuthError({
      code: 'subject_invalid',
      message: 'Invalid subject: expected an id of 1 to 20 digits that does not begin with 0.',
      hint: 'Pass the id that Box assigned to the enterprise or user, not a login or an email address.',
      docs: boxDocs.userAccessTokens,
    });
  }
}

/** Whatever the reason is, it proves nothing about other users: this one may belong to another enterprise. */
async function refusalOf(response: Response, token: string): Promise<Error> {
  if (response.status < 400) {
    await response.body?.cancel();
    return new UnusableResponse(`it redirects (status ${response.status})`);
  }
  const retryAfterMs = retryAfterIn(response.headers);
  const error = boxApiResponseError(await readErrorResponse(response, [token], retryAfterMs));
  const message = `The enterprise of a user could not be checked: ${error.message}`;
  return asRefusalOfSubject(error.with({ message, retryAfterMs }));
}

function enterpriseIn({ enterprise }: Readonly<Record<string, unknown>>): unknown {
  return isRecord(enterprise) ? enterprise['id'] : undefined;
}
