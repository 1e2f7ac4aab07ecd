import { type BoxEmulator } from 'nestjs-box-auth/testing';
import { type Fields, postForm, type ReadResponse, stringIn } from '../box-client.js';

export const ALICE = '11111';
export const BOB = '22222';

/** The address that an app sends a user to. An empty value omits the parameter. */
export function authorizationUrl({ oauthApp }: BoxEmulator, changes: Fields = {}): string {
  const query = {
    response_type: 'code',
    client_id: oauthApp.clientId,
    redirect_uri: oauthApp.redirectUri,
    state: 'a state & more',
    ...changes,
  };
  const given = Object.entries(query).filter(([, value]) => value !== '');
  return `${oauthApp.authorizeUrl}?${new URLSearchParams(given).toString()}`;
}

export function codeFor(emulator: BoxEmulator, userId = ALICE, changes: Fields = {}): string {
  const redirect = emulator.consent(authorizationUrl(emulator, changes), { userId });
  return new URL(redirect).searchParams.get('code') ?? '';
}

export function oauthClientOf({ oauthApp }: BoxEmulator): Fields {
  return { client_id: oauthApp.clientId, client_secret: oauthApp.clientSecret };
}

export function postCode(
  emulator: BoxEmulator,
  code: string,
  changes: Fields = {},
): Promise<ReadResponse> {
  return postForm(emulator, '/oauth2/token', {
    grant_type: 'authorization_code',
    ...oauthClientOf(emulator),
    code,
    ...changes,
  });
}

export function postRefresh(
  emulator: BoxEmulator,
  refreshToken: string,
  changes: Fields = {},
): Promise<ReadResponse> {
  return postForm(emulator, '/oauth2/token', {
    grant_type: 'refresh_token',
    ...oauthClientOf(emulator),
    refresh_token: refreshToken,
    ...changes,
  });
}

export interface Pair {
  readonly access: string;
  readonly refresh: string;
}

export function pairIn(response: ReadResponse): Pair {
  if (response.status !== 200) throw new Error(`No tokens: ${response.status} ${response.text}`);
  return {
    access: stringIn(response, 'access_token'),
    refresh: stringIn(response, 'refresh_token'),
  };
}

/** Connects a user: consent and code exchange. */
export async function connect(
  emulator: BoxEmulator,
  userId = ALICE,
  changes: Fields = {},
): Promise<Pair> {
  return pairIn(await postCode(emulator, codeFor(emulator, userId, changes)));
}

export async function refresh(emulator: BoxEmulator, refreshToken: string): Promise<Pair> {
  return pairIn(await postRefresh(emulator, refreshToken));
}
