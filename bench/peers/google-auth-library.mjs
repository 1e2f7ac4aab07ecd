import { JWT } from 'google-auth-library';

const GOOGLE_TOKEN_URL = 'https://oauth2.googleapis.com/token';

/**
 * Google's JWT client, set up as in its readme, with token requests to the stub. It does not support encrypted keys, so it
 * gets the same key unencrypted.
 *
 * @param {import('../row.js').Stage} stage
 * @param {string} apiUrl
 * @param {string} [subject]
 */
export function openGoogleAuth({ config, plainKey }, apiUrl, subject) {
  const client = new JWT({
    email: config.boxAppSettings.clientID,
    key: plainKey,
    keyId: config.boxAppSettings.appAuth.publicKeyID,
    scopes: ['root_readwrite'],
    ...(subject === undefined ? {} : { subject }),
  });
  client.transporter.interceptors.request.add({
    resolved: async (options) => {
      if (String(options.url) === GOOGLE_TOKEN_URL) options.url = new URL(`${apiUrl}/oauth2/token`);
      return options;
    },
  });
  return client;
}
