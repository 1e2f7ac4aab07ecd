import { BoxClient } from 'box-node-sdk';
import { BaseUrls, NetworkSession } from 'box-node-sdk/networking';
import { BOX_API_URL } from '../box/box-issuer.js';
import { boxAuthOf, type BoxTokenProvider } from '../box/box-token.provider.js';
import { BoxSdkAuthentication } from './box-sdk.authentication.js';
import { BoxSdkNetworkClient } from './box-sdk.network-client.js';

/** Options of the client's network session that differ from its defaults. */
export type BoxClientSession = Partial<
  Pick<
    NetworkSession,
    | 'additionalHeaders'
    | 'baseUrls'
    | 'dataSanitizer'
    | 'interceptors'
    | 'retryStrategy'
    | 'timeoutConfig'
  >
>;

/**
 * Creates a `BoxClient` of Box's official SDK, with or without Nest. Its calls carry the tokens of `provider`, act for the
 * acting user, and go to the `apiUrl` of its app.
 *
 * @example
 * ```ts
 * import { boxAuth } from 'nestjs-box-auth/express';
 * import { boxClient } from 'nestjs-box-auth/express/sdk';
 *
 * const client = boxClient(boxAuth().provider);
 * export const root = client.folders.getFolderItems('0');
 * ```
 */
export function boxClient(provider: BoxTokenProvider, session: BoxClientSession = {}): BoxClient {
  return new BoxClient({
    auth: new BoxSdkAuthentication(provider),
    networkSession: new NetworkSession({
      baseUrls: baseUrlsAt(boxAuthOf(provider)?.apiUrl),
      ...session,
      networkClient: new BoxSdkNetworkClient(provider),
    }),
  });
}

/** For Box itself the defaults of the SDK are right: uploads have their own host there. */
function baseUrlsAt(apiUrl: string | undefined): BaseUrls {
  return apiUrl === undefined || apiUrl === BOX_API_URL
    ? new BaseUrls({})
    : new BaseUrls({ baseUrl: apiUrl, uploadUrl: `${apiUrl}/api` });
}
