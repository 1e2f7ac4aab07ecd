import { createPrivateKey, type KeyObject, randomUUID } from 'node:crypto';
import { SignJWT } from 'jose';
import { WorkfrontEmulator, type WorkfrontEmulatorOptions } from 'nestjs-box-auth/testing';
import { type ReadResponse, type Fields, request, tokenIn } from '../box/box-client.js';
import { NOW_MS, type TestClock } from '../box/emulator-fixture.js';

export const NOW_S = NOW_MS / 1000;
export const EXCHANGE = '/integrations/oauth2/api/v1/jwt/exchange';
export const PROJECTS = '/attask/api/v20.0/proj/search';

type Json = Readonly<Record<string, unknown>>;

let privateKey: string | undefined;

/** Starts an emulator for one test. Only the key is shared by the tests of a file. */
export async function startWorkfront(
  options: WorkfrontEmulatorOptions = {},
): Promise<{ clock: TestClock; emulator: WorkfrontEmulator }> {
  const clock = { nowMs: NOW_MS };
  const emulator = await WorkfrontEmulator.start({
    now: () => clock.nowMs,
    ...(privateKey !== undefined && { privateKey }),
    ...options,
  });
  privateKey ??= emulator.credentials.privateKey;
  return { clock, emulator };
}

/** The claims that Workfront requires, with changes; undefined omits a claim. The `jti` makes each JWT unique. */
export function claimsFor({ credentials }: WorkfrontEmulator, changes: Json = {}): Json {
  const { customerId, userId } = credentials;
  return { iss: customerId, sub: userId, exp: NOW_S + 60, jti: randomUUID(), ...changes };
}

/** Signs a JWT with jose, by default with the application's key. */
export function makeJwt(
  emulator: WorkfrontEmulator,
  changes: { readonly header?: Json; readonly claims?: Json; readonly key?: KeyObject } = {},
): Promise<string> {
  const key = changes.key ?? createPrivateKey(emulator.credentials.privateKey);
  return new SignJWT(claimsFor(emulator, changes.claims))
    .setProtectedHeader({ alg: 'RS256', typ: 'JWT', ...changes.header })
    .sign(key);
}

export function clientOf({ credentials }: WorkfrontEmulator): Fields {
  return { client_id: credentials.clientId, client_secret: credentials.clientSecret };
}

export function postForm(
  emulator: WorkfrontEmulator,
  fields: Fields | URLSearchParams,
  init: RequestInit = {},
): Promise<ReadResponse> {
  return request(emulator.url + EXCHANGE, {
    method: 'POST',
    body: new URLSearchParams(fields),
    ...init,
  });
}

export async function postJwt(
  emulator: WorkfrontEmulator,
  jwt?: string,
  changes: Fields = {},
): Promise<ReadResponse> {
  const jwtToken = jwt ?? (await makeJwt(emulator));
  return postForm(emulator, { ...clientOf(emulator), jwt_token: jwtToken, ...changes });
}

/** Requests a session of the application's user. */
export async function mint(emulator: WorkfrontEmulator): Promise<string> {
  return tokenIn(await postJwt(emulator));
}

export function get(
  emulator: WorkfrontEmulator,
  path: string,
  session: string,
  init: RequestInit = {},
): Promise<ReadResponse> {
  return request(emulator.url + path, { headers: { sessionID: session }, ...init });
}

/** The reason of the last refusal. */
export function lastReason({ refusals }: WorkfrontEmulator): string | undefined {
  return refusals.at(-1)?.reason;
}
