import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);

/**
 * The official SDK with JWT, set up as in its guide: `JwtConfig.fromConfigJsonString`, `BoxJwtAuth`, one `BoxClient`. Token
 * requests use their own network session and connections.
 *
 * @param {import('../row.js').BoxConfig} config
 * @param {string} apiUrl
 * @param {{ build?: 'esm' | 'cjs' }} [options]
 */
export async function openBoxSdk(config, apiUrl, { build = 'esm' } = {}) {
  /** @type {typeof import('box-node-sdk')} */
  const sdk = build === 'esm' ? await import('box-node-sdk') : require('box-node-sdk');
  /** @type {typeof import('box-node-sdk/networking')} */
  const networking =
    build === 'esm' ? await import('box-node-sdk/networking') : require('box-node-sdk/networking');

  const urls = { baseUrl: apiUrl, uploadUrl: apiUrl, oauth2Url: apiUrl };
  const session = () =>
    new networking.NetworkSession({
      baseUrls: new networking.BaseUrls(urls),
    }).withCustomAgentOptions({ keepAlive: true });
  const tokenSession = session();
  const auth = new sdk.BoxJwtAuth({
    config: sdk.JwtConfig.fromConfigJsonString(JSON.stringify(config)),
  });
  const client = new sdk.BoxClient({
    auth: onOwnConnections(auth, tokenSession),
    networkSession: session(),
  });
  return { auth, client, tokenSession };
}

/**
 * @param {import('box-node-sdk').BoxJwtAuth} auth
 * @param {import('box-node-sdk/networking').NetworkSession} session
 * @returns {import('box-node-sdk/networking').Authentication}
 */
function onOwnConnections(auth, session) {
  return {
    retrieveToken: () => auth.retrieveToken(session),
    refreshToken: () => auth.refreshToken(session),
    retrieveAuthorizationHeader: () => auth.retrieveAuthorizationHeader(session),
    revokeToken: () => auth.revokeToken(session),
    downscopeToken: (scopes, resource, sharedLink) =>
      auth.downscopeToken(scopes, resource, sharedLink, session),
  };
}
