import { BoxClient, BoxOAuth, OAuthConfig } from 'box-node-sdk';
import { BaseUrls, NetworkSession } from 'box-node-sdk/networking';
import { type BoxEmulator } from 'nestjs-box-auth/testing';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { startEmulator, type TestClock } from '../emulator-fixture.js';
import { ALICE, BOB } from './oauth-requests.js';

let clock: TestClock;
let emulator: BoxEmulator;
let baseUrls: BaseUrls;
let session: NetworkSession;
let auth: BoxOAuth;
let box: BoxClient;
beforeEach(async () => {
  ({ clock, emulator } = await startEmulator());
  baseUrls = new BaseUrls({
    baseUrl: emulator.url,
    uploadUrl: `${emulator.url}/api`,
    oauth2Url: `${emulator.url}/api/oauth2`,
  });
  session = new NetworkSession({ baseUrls });
  auth = newAuth();
  box = new BoxClient({ auth }).withCustomBaseUrls(baseUrls);
});
afterEach(() => emulator.stop());

function newAuth(): BoxOAuth {
  const { clientId, clientSecret } = emulator.oauthApp;
  return new BoxOAuth({ config: new OAuthConfig({ clientId, clientSecret }) });
}

async function connect(oauth: BoxOAuth, userId: string): Promise<void> {
  const redirectUri = emulator.oauthApp.redirectUri;
  const url = oauth.getAuthorizeUrl({ state: 'abc', redirectUri });
  expect(url.startsWith('https://account.box.com/api/oauth2/authorize?')).toBe(true);
  const { searchParams } = new URL(emulator.consent(url, { userId }));
  expect(searchParams.get('state')).toBe('abc');
  await oauth.getTokensAuthorizationCodeGrant(searchParams.get('code') ?? '', session);
}

const grants = () => emulator.tokenRequests.map(({ body, status }) => [body?.grant_type, status]);

describe('BoxOAuth of the official SDK', () => {
  test('connects a user and calls the API', async () => {
    await connect(auth, BOB);
    expect(await box.users.getUserMe()).toMatchObject({ id: BOB });
    const folder = await box.folders.createFolder({ name: 'Plans', parent: { id: '0' } });
    const { entries } = await box.folders.getFolderItems('0');
    expect(entries?.map(({ id }) => id)).toContain(folder.id);
  });

  test('refreshes an expired token and repeats the call', async () => {
    await connect(auth, ALICE);
    const before = await auth.retrieveToken();
    clock.nowMs += 3_600_000;
    expect(await box.users.getUserMe()).toMatchObject({ id: ALICE });
    const after = await auth.retrieveToken();
    expect(after.refreshToken).not.toBe(before.refreshToken);
    expect(grants()).toEqual([
      ['authorization_code', 200],
      ['refresh_token', 200],
    ]);
  });

  test('gets the same pair for concurrent refreshes', async () => {
    await connect(auth, ALICE);
    const tokens = await Promise.all([1, 2, 3].map(() => auth.refreshToken(session)));
    expect(new Set(tokens.map(({ refreshToken }) => refreshToken)).size).toBe(1);
    expect(await box.users.getUserMe()).toMatchObject({ id: ALICE });
  });

  test('is refused after 60 days without use', async () => {
    await connect(auth, ALICE);
    clock.nowMs += 60 * 86_400_000;
    await expect(auth.refreshToken(session)).rejects.toMatchObject({
      responseInfo: {
        statusCode: 400,
        body: { error: 'invalid_grant', error_description: 'Refresh token has expired' },
      },
    });
  });

  test('downscopes a token', async () => {
    await connect(auth, ALICE);
    const { accessToken } = await auth.downscopeToken(
      ['root_readonly'],
      undefined,
      undefined,
      session,
    );
    const response = await fetch(`${emulator.url}/2.0/users/me`, {
      headers: { authorization: `Bearer ${accessToken ?? ''}` },
    });
    expect(await response.json()).toMatchObject({ id: ALICE });
  });

  test('revokes both tokens of its user', async () => {
    const other = newAuth();
    await connect(auth, ALICE);
    await connect(other, BOB);
    await auth.revokeToken(session);
    await expect(auth.refreshToken(session)).rejects.toThrow('Invalid refresh token');
    await other.refreshToken(session);
    expect(emulator.connections).toMatchObject([{ userId: BOB }]);
  });

  test('opens the authorize page', async () => {
    const { searchParams } = new URL(auth.getAuthorizeUrl({ state: 'abc' }));
    const url = `${baseUrls.oauth2Url}/authorize?${searchParams.toString()}`;
    expect(await (await fetch(url)).text()).toContain('Grant access to Box');
  });
});
