import { BoxClient } from 'box-node-sdk';
import { BaseUrls, NetworkSession } from 'box-node-sdk/networking';
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
 * acting user, and go to its `apiUrl`, uploads to its `uploadUrl`.
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
  const box = boxAuthOf(provider);
  return new BoxClient({
    auth: new BoxSdkAuthentication(provider),
    networkSession: new NetworkSession({
      ...(box !== undefined && {
        baseUrls: new BaseUrls({ baseUrl: box.apiUrl, uploadUrl: `${box.uploadUrl}/api` }),
      }),
      ...session,
      networkClient: new BoxSdkNetworkClient(provider),
    }),
  });
}
