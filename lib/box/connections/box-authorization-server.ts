import type { ConnectedPerson } from '../../core/connections/connection-record.js';
import type { AuthorizationServer } from '../../core/connections/oauth-client.js';
import { isRecord } from '../../core/credentials/field-checks.js';
import type { Fetch } from '../../core/token-endpoint/issuer.js';
import {
  readErrorResponse,
  readJsonObject,
  retryAfterIn,
  UnusableResponse,
} from '../../core/token-endpoint/token-request.js';
import { boxDocs } from '../box-docs.js';
import { boxApiResponseError, boxOAuthError } from '../box-error-responses.js';
import { BOX, BOX_API_URL } from '../box-issuer.js';
import { isBoxId } from '../credentials/box-id.js';

/** Where people sign in to Box. An emulator or a proxy at `apiUrl` has the same path. */
export function boxAuthorizeUrl(apiUrl: string): string {
  const server = apiUrl === BOX_API_URL ? 'https://account.box.com' : apiUrl;
  return `${server}/api/oauth2/authorize`;
}

/** An unused refresh token of Box is valid for 60 days: https://developer.box.com/guides/authentication/tokens/refresh/. */
export const BOX_IDLE_LIFETIME_MS = 60 * 86_400_000;

/** Box, as people sign in to it: https://developer.box.com/guides/authentication/oauth2/. */
export class BoxAuthorizationServer implements AuthorizationServer {
  readonly name = BOX;
  readonly docs = boxDocs.oauth;
  readonly tokenUrl: string;
  readonly revokeUrl: string;
  readonly loginHintParameter = 'box_login';
  readonly toError = boxOAuthError;

  constructor(
    readonly authorizeUrl: string,
    private readonly apiUrl: string,
  ) {
    this.tokenUrl = `${apiUrl}/oauth2/token`;
    this.revokeUrl = `${apiUrl}/oauth2/revoke`;
  }

  /** https://developer.box.com/reference/get-users-me/ */
  async personOf(accessToken: string, send: Fetch, signal: AbortSignal): Promise<ConnectedPerson> {
    const response = await send(`${this.apiUrl}/2.0/users/me?fields=id,login,name,enterprise`, {
      headers: { authorization: `Bearer ${accessToken}`, accept: 'application/json' },
      redirect: 'manual',
      signal,
    });
    if (response.status < 200 || response.status >= 300) {
      const retryAfterMs = retryAfterIn(response.headers);
      throw boxApiResponseError(await readErrorResponse(response, [accessToken], retryAfterMs));
    }
    const { id, login, name, enterprise } = await readJsonObject(response);
    if (!isBoxId(id)) throw new UnusableResponse('it has no id of a user');
    const enterpriseId = isRecord(enterprise) ? enterprise['id'] : undefined;
    return {
      id,
      login: typeof login === 'string' ? login : '',
      name: typeof name === 'string' ? name : '',
      ...(isBoxId(enterpriseId) && { enterprise: enterpriseId }),
    };
  }
}
