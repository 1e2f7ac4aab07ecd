import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { AppAuth, type IssuerDescription } from '../../lib/core/app/app-auth.js';
import { appAuthOptions } from '../../lib/core/app/app-auth.options.js';
import { parseOptions } from '../../lib/core/app/option-checks.js';
import { optionGroup } from '../../lib/core/credentials/field-checks.js';
import type { ParsedCredentials } from '../../lib/core/credentials/credentials-source.js';
import { fingerprint, Secret } from '../../lib/core/errors/secret.js';
import {
  toBoxAuthError,
  transientErrorResponses,
} from '../../lib/core/token-endpoint/known-error-responses.js';
import { FakeRuntime } from '../support/fake-runtime.js';
import { type LoopbackServer, startServer } from '../support/loopback-server.js';
import { thrownBy } from '../support/thrown.js';
import { over } from './workfront-app.js';

/*
 * Everything that there is to write for another issuer: plain OAuth 2.0, client credentials for a bearer token (RFC 6749
 * section 4.4, RFC 6750). Nothing outside this file knows it.
 */

interface AcmeCredentials {
  readonly clientId: string;
  readonly clientSecret: string;
}

interface OpenedAcmeCredentials extends ParsedCredentials {
  readonly clientId: string;
  readonly clientSecret: Secret;
}

const docs = 'https://developer.acme.example/oauth2';

function acme(url: string): IssuerDescription<AcmeCredentials, OpenedAcmeCredentials> {
  return {
    issuer: {
      name: 'Acme',
      tokenUrl: `${url}/oauth2/token`,
      docs,
      tokenForm: ({ clientId, clientSecret }) =>
        Promise.resolve({
          grant_type: 'client_credentials',
          client_id: clientId,
          client_secret: clientSecret.reveal(),
        }),
      isKeyError: () => false,
      toError: (refusal) =>
        toBoxAuthError(
          refusal,
          transientErrorResponses('Acme', { page: docs, rateLimits: docs, errors: docs }),
          {
            name: 'Acme',
            fallback: { scope: 'client', code: 'token_request_refused', hint: 'Ask Acme.', docs },
          },
        ),
    },
    parseCredentials: ({ clientId, clientSecret }) => ({
      clientId,
      clientSecret: new Secret(clientSecret),
      subject: { type: 'enterprise', id: clientId },
      fingerprint: fingerprint(clientId, clientSecret),
    }),
    credentialsHelp: {
      issuer: 'Acme',
      hint: 'Copy both from the page of the app.',
      docs,
      newKey: 'none',
      passphraseVariable: 'none',
    },
    headers: {
      tokenHeader: 'Authorization',
      formatToken: (value) => `Bearer ${value}`,
      refusesToken: ({ status, challenge }) =>
        status === 401 && challenge?.includes('invalid_token') === true,
    },
    urlRules: {
      origins: new Set([url]),
      exceptPaths: /^\/oauth2\//,
      advice: { hint: 'Only Acme gets a token.', docs },
    },
    apiUrl: url,
  };
}

let server: LoopbackServer;
let foreign: LoopbackServer;
let runtime: FakeRuntime;
let auth: AppAuth<AcmeCredentials, OpenedAcmeCredentials>;
let minted: number;
let revoked: Set<string | undefined>;

beforeEach(async () => {
  minted = 0;
  revoked = new Set([undefined]);
  foreign = await startServer((_request, response) => response.end('foreign'));
  server = await startServer(({ path, body, headers }, response) => {
    response.setHeader('content-type', 'application/json');
    if (path === '/moved') response.writeHead(302, { location: foreign.url }).end();
    else if (path === '/oauth2/token' && body.includes('client_secret=right'))
      response.end(`{"access_token":"token-${++minted}","token_type":"Bearer","expires_in":3600}`);
    else if (path === '/oauth2/token') response.writeHead(401).end('{"error":"invalid_client"}');
    else if (revoked.has(headers.authorization))
      response.writeHead(401, { 'www-authenticate': 'Bearer error="invalid_token"' }).end();
    else response.end('{}');
  });
  runtime = new FakeRuntime();
  auth = app('right');
});
afterEach(async () => {
  auth.close();
  await Promise.all([server.stop(), foreign.stop()]);
});

function app(clientSecret: string): typeof auth {
  const options = {
    ...parseOptions(optionGroup(appAuthOptions), { runtime }),
    maxSubjects: 1,
    keepWarm: [],
  };
  return new AppAuth(acme(server.url), { clientId: 'portal', clientSecret }, options, undefined);
}

const call = (path: string) => over(runtime, auth.fetch(path));
const sentTo = ({ arrived }: LoopbackServer) =>
  arrived
    .filter(({ path }) => path !== '/oauth2/token')
    .map(({ headers }) => headers.authorization);

describe('An issuer that is a description and nothing else', () => {
  it('has one token minted for all calls', async () => {
    await over(runtime, Promise.all(Array.from({ length: 50 }, () => auth.fetch('/items'))));
    expect(sentTo(server)).toEqual(Array(50).fill('Bearer token-1'));
    expect(server.arrived[0]?.body).toBe(
      'grant_type=client_credentials&client_id=portal&client_secret=right',
    );
    expect(minted).toBe(1);
  });

  it('has its tokens renewed before their end', async () => {
    await call('/items');
    await runtime.advance(3_500_000);
    await call('/items');
    while (auth.tokens.peek()?.value !== 'token-2') await runtime.advance(0);
    await call('/items');
    expect(sentTo(server).at(-1)).toBe('Bearer token-2');
  });

  it('has a refused token replaced, and the call repeated', async () => {
    await call('/items');
    revoked.add('Bearer token-1');
    expect((await call('/items')).status).toBe(200);
    expect(sentTo(server)).toEqual(['Bearer token-1', 'Bearer token-1', 'Bearer token-2']);
  });

  it('has its tokens kept from a redirect to somebody else, and from other origins', async () => {
    expect(await (await call('/moved')).text()).toBe('foreign');
    await call(`${foreign.url}/items`);
    expect(sentTo(server)).toEqual(['Bearer token-1']);
    expect(sentTo(foreign)).toEqual([undefined, undefined]);
  });

  it('has its refusals told in its own words', async () => {
    const error = await thrownBy(() => over(runtime, app('wrong').fetch('/items')));
    expect(error.message).toBe('Acme answered 401 (invalid_client).');
    expect(error.hint).toBe('Ask Acme.');
  });
});
