import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FakeRuntime } from '../../support/fake-runtime.js';
import { type LoopbackServer, startServer } from '../../support/loopback-server.js';
import { thrownBy } from '../../support/thrown.js';
import { over } from '../../workfront/workfront-app.js';
import { AcmeAuth } from './acme/acme-auth.js';

/*
 * The folder acme/ is everything that an issuer needs, in the files that "Add an issuer" in CONTRIBUTING.md names: plain
 * OAuth 2.0, with client credentials for a bearer token. No file of lib/ knows Acme.
 */

let server: LoopbackServer;
let foreign: LoopbackServer;
let runtime: FakeRuntime;
let auth: AcmeAuth;
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

function app(clientSecret: string): AcmeAuth {
  const credentials = { clientId: 'portal', clientSecret };
  return new AcmeAuth({ credentials, apiUrl: server.url, runtime });
}

const call = (path: string) => over(runtime, auth.fetch(path));
const sentTo = ({ arrived }: LoopbackServer) =>
  arrived
    .filter(({ path }) => path !== '/oauth2/token')
    .map(({ headers }) => headers.authorization);

describe('An issuer outside lib', () => {
  it('requests one token for all concurrent calls', async () => {
    await over(runtime, Promise.all(Array.from({ length: 50 }, () => auth.fetch('/items'))));
    expect(sentTo(server)).toEqual(Array(50).fill('Bearer token-1'));
    expect(server.arrived[0]?.body).toBe(
      'grant_type=client_credentials&client_id=portal&client_secret=right',
    );
    expect(minted).toBe(1);
  });

  it('refreshes tokens before they expire', async () => {
    await call('/items');
    await runtime.advance(3_500_000);
    await call('/items');
    while (auth.tokens.peek()?.value !== 'token-2') await runtime.advance(0);
    await call('/items');
    expect(sentTo(server).at(-1)).toBe('Bearer token-2');
  });

  it('replaces a refused token and repeats the call', async () => {
    await call('/items');
    revoked.add('Bearer token-1');
    expect((await call('/items')).status).toBe(200);
    expect(sentTo(server)).toEqual(['Bearer token-1', 'Bearer token-1', 'Bearer token-2']);
  });

  it('sends no token to other origins, also after a redirect', async () => {
    expect(await (await call('/moved')).text()).toBe('foreign');
    await call(`${foreign.url}/items`);
    expect(sentTo(server)).toEqual(['Bearer token-1']);
    expect(sentTo(foreign)).toEqual([undefined, undefined]);
  });

  it('reports error responses with its own name and hint', async () => {
    const error = await thrownBy(() => over(runtime, app('wrong').fetch('/items')));
    expect(error.message).toBe('Acme returned 401 (invalid_client).');
    expect(error.hint).toBe('Ask Acme.');
  });
});
