import {
  bearerTokenAuthenticationPolicy,
  createDefaultHttpClient,
  createEmptyPipeline,
  createPipelineRequest,
} from '@azure/core-rest-pipeline';
import { importPKCS8, SignJWT } from 'jose';

/**
 * Azure's pipeline with its bearer policy. It has no grant that Box supports, so the credential is the one of its
 * documentation: a token request without a cache, as the policy has one.
 *
 * @param {import('../row.js').Stage} stage
 * @param {string} apiUrl
 * @param {import('@azure/core-rest-pipeline').Agent} [agent]
 */
export async function openAzurePipeline({ config, plainKey }, apiUrl, agent) {
  const key = await importPKCS8(plainKey, 'RS256');
  const { clientID, clientSecret, appAuth } = config.boxAppSettings;
  const credential = {
    async getToken() {
      const assertion = await new SignJWT({ box_sub_type: 'enterprise' })
        .setProtectedHeader({ alg: 'RS256', kid: appAuth.publicKeyID })
        .setIssuer(clientID)
        .setSubject(config.enterpriseID)
        .setAudience('https://api.box.com/oauth2/token')
        .setJti(crypto.randomUUID())
        .setExpirationTime('45s')
        .sign(key);
      const response = await fetch(`${apiUrl}/oauth2/token`, {
        method: 'POST',
        body: new URLSearchParams({
          grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer',
          client_id: clientID,
          client_secret: clientSecret,
          assertion,
        }),
      });
      const grant = /** @type {{ access_token: string, expires_in: number }} */ (
        await response.json()
      );
      return {
        token: grant.access_token,
        expiresOnTimestamp: Date.now() + grant.expires_in * 1000,
      };
    },
  };
  const policy = bearerTokenAuthenticationPolicy({ credential, scopes: 'root_readwrite' });
  const pipeline = createEmptyPipeline();
  pipeline.addPolicy(policy);
  const http = createDefaultHttpClient();

  // The policy requires https, which the stub does not support.
  const secure = apiUrl.replace('http:', 'https:');
  /** @type {import('@azure/core-rest-pipeline').HttpClient} */
  const client = {
    sendRequest(request) {
      request.url = request.url.replace('https:', 'http:');
      request.allowInsecureConnection = true;
      return http.sendRequest(request);
    },
  };
  return {
    policy,
    newRequest: () => createPipelineRequest({ url: `${secure}/2.0/users/me` }),
    call: () =>
      pipeline.sendRequest(
        client,
        createPipelineRequest({
          url: `${secure}/2.0/users/me`,
          ...(agent === undefined ? {} : { agent }),
        }),
      ),
  };
}
