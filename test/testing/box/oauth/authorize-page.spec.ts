import { type BoxEmulator } from 'nestjs-box-auth/testing';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { clientOf, type Fields, mint, request, send } from '../box-client.js';
import { startEmulator } from '../emulator-fixture.js';
import { ALICE, authorizationUrl, BOB, connect, pairIn, postCode } from './oauth-requests.js';

const CALLBACK = 'http://localhost:3000/box/callback';
const APP = 'https://app.example/cb?tenant=a%20b';

let emulator: BoxEmulator;
beforeEach(async () => {
  ({ emulator } = await startEmulator());
});
afterEach(() => emulator.stop());

async function restart(redirectUris: readonly string[]): Promise<void> {
  await emulator.stop();
  ({ emulator } = await startEmulator({ redirectUris }));
}

const submit = (url: string, fields: Fields, headers: Fields = {}) =>
  request(url, { method: 'POST', headers, body: new URLSearchParams(fields) });

/** The parameters of the redirect. */
function redirectIn({ status, headers }: { status: number; headers: Headers }): Fields {
  expect(status).toBe(302);
  expect(headers.get('cache-control')).toBe('no-store');
  const location = headers.get('location') ?? '';
  expect(location.startsWith(`${CALLBACK}?`)).toBe(true);
  return Object.fromEntries(new URL(location).searchParams);
}

const selectedIn = (html: string) => /value="(\d+)" required checked/.exec(html)?.[1];

describe('The authorize page', () => {
  test('shows the app, every user who can sign in, and two buttons', async () => {
    emulator.addEnterprise({
      id: '7654321',
      name: 'Globex & <Sons>',
      users: [{ id: '33333', name: 'Carol', login: 'carol@globex.example' }],
    });
    const json = { name: 'App', is_platform_access_only: true };
    await send(emulator, 'POST /2.0/users', await mint(emulator), { json });
    const { status, headers, text } = await request(authorizationUrl(emulator));
    expect(status).toBe(200);
    expect(headers.get('content-type')).toBe('text/html; charset=utf-8');
    expect(headers.get('cache-control')).toBe('no-store');
    expect(headers.get('content-security-policy')).toContain("frame-ancestors 'none'");
    expect(text).toContain(emulator.oauthApp.clientId);
    expect(text).not.toContain(emulator.oauthApp.clientSecret);
    const labels = [...text.matchAll(/<label><input [^>]*value="(\d+)"[^>]*> ([^<]*)</g)];
    expect(labels.map(([, id, label]) => [id, label])).toEqual([
      [ALICE, 'Alice (alice@example.com), Emulated Enterprise'],
      [BOB, 'Bob (bob@example.com), Emulated Enterprise'],
      ['33333', 'Carol (carol@globex.example), Globex &amp; &lt;Sons&gt;'],
    ]);
    const buttons = [...text.matchAll(/<button name="decision" value="(\w+)"[^>]*>([^<]*)</g)];
    expect(buttons.map(([, value, label]) => [value, label])).toEqual([
      ['grant', 'Grant access to Box'],
      ['deny', 'Deny access to Box'],
    ]);
    expect(text).toContain('<html lang="en">');
    expect(text).toContain('<legend>Sign in as</legend>');
  });

  test('preselects the user of box_login, else the first one', async () => {
    const selected = async (login: string) =>
      selectedIn((await request(authorizationUrl(emulator, { box_login: login }))).text);
    expect(await selected('BOB@example.com')).toBe(BOB);
    expect(await selected('')).toBe(ALICE);
    expect(await selected('nobody@example.com')).toBe(ALICE);
  });

  test('redirects with a code and the state if the user grants access', async () => {
    const url = authorizationUrl(emulator);
    const origin = { origin: emulator.url };
    const { code = '', ...others } = redirectIn(
      await submit(url, { decision: 'grant', user_id: BOB }, origin),
    );
    expect(others).toEqual({ state: 'a state & more' });
    pairIn(await postCode(emulator, code));
    expect(emulator.connections).toMatchObject([{ userId: BOB }]);
  });

  test('redirects with an error and the state if the user denies access', async () => {
    const denied = {
      error: 'access_denied',
      error_description: 'The user denied access to your application',
      state: 'a state & more',
    };
    const url = authorizationUrl(emulator);
    expect(redirectIn(await submit(url, { decision: 'deny' }))).toEqual(denied);
    expect(Object.fromEntries(new URL(emulator.deny(url)).searchParams)).toEqual(denied);
    const withoutState = emulator.deny(authorizationUrl(emulator, { state: '' }));
    expect(new URL(withoutState).searchParams.has('state')).toBe(false);
  });

  test.for<Fields>([
    { decision: 'grant', user_id: '99999' },
    { decision: 'grant' },
    { decision: 'maybe', user_id: ALICE },
    {},
  ])('rejects the form %o', async (fields) => {
    const { status, text } = await submit(authorizationUrl(emulator), fields);
    expect(status).toBe(400);
    expect(text).toContain('invalid_request');
  });

  test.for(['https://evil.example', 'null'])('rejects a form of the origin %s', async (origin) => {
    const fields = { decision: 'grant', user_id: ALICE };
    const { status, headers } = await submit(authorizationUrl(emulator), fields, { origin });
    expect(status).toBe(403);
    expect(headers.has('location')).toBe(false);
  });

  test('rejects other methods', async () => {
    const response = await request(authorizationUrl(emulator), { method: 'PUT' });
    expect(response.status).toBe(405);
    expect(response.headers.get('allow')).toBe('GET, POST');
  });

  test('is not an API request, and is recorded', async () => {
    const url = authorizationUrl(emulator);
    await request(url);
    await submit(url, { decision: 'deny' });
    expect(emulator.apiRequests).toEqual([]);
    expect(emulator.requests).toMatchObject([
      { method: 'GET', status: 200 },
      { method: 'POST', status: 302, body: { decision: 'deny' } },
    ]);
  });

  test('can fail', async () => {
    emulator.failNext('GET /api/oauth2/authorize', { kind: 'unavailable' });
    emulator.failNext('POST /api/oauth2/authorize', { kind: 'status', status: 500 });
    const url = authorizationUrl(emulator);
    expect((await request(url)).status).toBe(503);
    expect((await submit(url, { decision: 'deny' })).status).toBe(500);
    expect((await request(url)).status).toBe(200);
  });
});

describe('An authorization request', () => {
  test.for<[string, Fields, string]>([
    ['without a client id', { client_id: '' }, 'invalid_request'],
    ['with an unknown client id', { client_id: 'x' }, 'invalid_client'],
    [
      'with another redirect URI',
      { redirect_uri: 'https://evil.example/' },
      'redirect_uri_mismatch',
    ],
    ['with another path', { redirect_uri: `${CALLBACK}/` }, 'redirect_uri_mismatch'],
    ['with another query', { redirect_uri: `${CALLBACK}?a=b` }, 'redirect_uri_mismatch'],
    ['with a fragment', { redirect_uri: `${CALLBACK}#a` }, 'redirect_uri_mismatch'],
    [
      'with another loopback host',
      { redirect_uri: CALLBACK.replace('localhost', '127.0.0.1') },
      'redirect_uri_mismatch',
    ],
    [
      'with https on loopback',
      { redirect_uri: CALLBACK.replace('http', 'https') },
      'redirect_uri_mismatch',
    ],
    ['with no URL', { redirect_uri: 'callback' }, 'redirect_uri_mismatch'],
  ])('%s gets an error page, and no redirect', async ([, changes, error]) => {
    const url = authorizationUrl(emulator, changes);
    const grant = { decision: 'grant', user_id: ALICE };
    for (const response of [await request(url), await submit(url, grant)]) {
      expect(response.status).toBe(400);
      expect(response.text).toContain(`Error: <strong>${error}</strong>`);
      expect(response.headers.has('location')).toBe(false);
    }
    expect(() => emulator.consent(url, { userId: ALICE })).toThrow(error);
    expect(() => emulator.deny(url)).toThrow(error);
  });

  test('with a repeated parameter gets an error page', async () => {
    const { status, text } = await request(`${authorizationUrl(emulator)}&state=b`);
    expect([status, text.includes('invalid_request')]).toEqual([400, true]);
  });

  test('with the client id of an app with a key pair gets Box’s redirect_uri_mismatch', async () => {
    const url = authorizationUrl(emulator, { client_id: clientOf(emulator).client_id });
    expect((await request(url)).text).toContain('redirect_uri_mismatch');
  });

  test('cannot inject HTML into the error page', async () => {
    const { text } = await request(
      authorizationUrl(emulator, { redirect_uri: `https://e.example/"'><script>`, state: '&amp;' }),
    );
    expect(text).not.toContain('<script>');
    expect(text).toContain('&quot;&#39;&gt;&lt;script&gt;');
    expect(text).toContain('state=&amp;amp;');
  });

  test.for<[string, Fields, string]>([
    ['without a response type', { response_type: '' }, 'invalid_request'],
    ['with another response type', { response_type: 'token' }, 'unsupported_response_type'],
    ['with an unknown scope', { scope: 'root_readonly everything' }, 'invalid_scope'],
    ['with a plain challenge', { code_challenge: 'x'.repeat(43) }, 'invalid_request'],
    [
      'with a challenge of another length',
      { code_challenge: 'x', code_challenge_method: 'S256' },
      'invalid_request',
    ],
    ['with a method only', { code_challenge_method: 'S256' }, 'invalid_request'],
  ])('%s is redirected with an error and the state', async ([, changes, error]) => {
    const url = authorizationUrl(emulator, changes);
    const expected = { error, state: 'a state & more' };
    expect(redirectIn(await request(url))).toMatchObject(expected);
    const { searchParams } = new URL(emulator.consent(url, { userId: ALICE }));
    expect(Object.fromEntries(searchParams)).toMatchObject(expected);
  });

  test('may have any port on loopback', () => {
    const redirectUri = CALLBACK.replace('3000', '49152');
    const url = authorizationUrl(emulator, { redirect_uri: redirectUri });
    expect(emulator.consent(url, { userId: ALICE }).startsWith(`${redirectUri}?`)).toBe(true);
  });

  test('uses the only redirect URI, and keeps its query', async () => {
    await restart([APP]);
    const redirect = emulator.consent(authorizationUrl(emulator, { redirect_uri: '' }), {
      userId: ALICE,
    });
    expect(redirect).toMatch(/^https:\/\/app\.example\/cb\?tenant=a%20b&state=[^&]+&code=\w+$/);
  });

  test('must name one of several redirect URIs, which Box reports after the grant', async () => {
    await restart([CALLBACK, APP]);
    const url = authorizationUrl(emulator, { redirect_uri: '' });
    expect((await request(url)).status).toBe(200);
    const grant = { decision: 'grant', user_id: ALICE };
    const { status, text } = await submit(url, grant);
    expect([status, text.includes('redirect_uri_missing')]).toEqual([400, true]);
    expect(() => emulator.deny(url)).toThrow('redirect_uri_missing');
    const invalid = authorizationUrl(emulator, { redirect_uri: '', response_type: 'token' });
    expect((await request(invalid)).text).toContain('redirect_uri_missing');
    const named = authorizationUrl(emulator, { redirect_uri: APP });
    expect(emulator.deny(named)).toContain(`${APP}&error=access_denied`);
  });

  test('limits the scopes of the tokens, which the page and the response name', async () => {
    const changes = { scope: 'root_readonly item_download' };
    const { text } = await request(authorizationUrl(emulator, changes));
    expect(text).toContain('these scopes: root_readonly, item_download');
    const { access } = await connect(emulator, ALICE, changes);
    expect(emulator.connections).toMatchObject([{ scopes: ['root_readonly', 'item_download'] }]);
    const json = { name: 'Plans', parent: { id: '0' } };
    expect(await send(emulator, 'POST /2.0/folders', access, { json })).toMatchObject({
      status: 403,
    });
  });
});

describe('A consent by a test', () => {
  test('accepts the address of Box itself', () => {
    const { search } = new URL(authorizationUrl(emulator));
    const url = new URL(`https://account.box.com/api/oauth2/authorize${search}`);
    expect(emulator.consent(url, { userId: ALICE })).toContain('&code=');
  });

  test('requires a user who can sign in, and the authorize path', () => {
    const url = authorizationUrl(emulator);
    for (const userId of ['99999', emulator.serviceAccountId]) {
      expect(() => emulator.consent(url, { userId })).toThrow(
        /^Unknown user: expected a user who can sign in \(11111, 22222\), received/,
      );
    }
    const other = url.replace('/api/oauth2/', '/oauth2/');
    expect(() => emulator.deny(other)).toThrow('Invalid authorization URL: expected the path');
  });
});

describe('The OAuth app', () => {
  test('has credentials of its own, which another emulator can have too', async () => {
    const { oauthApp } = emulator;
    expect(oauthApp).toEqual({
      authorizeUrl: `${emulator.url}/api/oauth2/authorize`,
      clientId: expect.stringMatching(/^\w{32}$/) as string,
      clientSecret: expect.stringMatching(/^\w{32}$/) as string,
      redirectUri: CALLBACK,
    });
    expect(oauthApp.clientId).not.toBe(clientOf(emulator).client_id);
    const other = await startEmulator({ oauthApp });
    expect(other.emulator.oauthApp).toMatchObject({
      clientId: oauthApp.clientId,
      clientSecret: oauthApp.clientSecret,
    });
    await other.emulator.stop();
  });

  test.for([
    [],
    [CALLBACK, CALLBACK],
    ['http://app.example/cb'],
    ['/callback'],
    ['https://app.example/#a'],
    [''],
  ])('does not start with the redirect URIs %j', async (redirectUris) => {
    await expect(startEmulator({ redirectUris })).rejects.toThrow('Invalid redirectUris: expected');
  });

  test('may have a redirect URI with a custom scheme', async () => {
    await restart(['cursor://box/callback']);
    expect(emulator.deny(authorizationUrl(emulator))).toContain('cursor://box/callback?error=');
  });
});
