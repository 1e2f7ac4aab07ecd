import { createPrivateKey, randomUUID, sign } from 'node:crypto';
import { type BoxEmulator } from 'nestjs-box-auth/testing';
import { NOW_MS } from './emulator-fixture.js';

type Json = Readonly<Record<string, unknown>>;

const HASHES = new Map<unknown, string>([
  ['RS384', 'sha384'],
  ['RS512', 'sha512'],
]);

/** The values that Box requires, with changes; undefined omits a name. */
export function claimsFor(config: BoxEmulator['config'], changes: Json = {}): Json {
  return {
    iss: config.boxAppSettings.clientID,
    sub: config.enterpriseID,
    box_sub_type: 'enterprise',
    aud: 'https://api.box.com/oauth2/token',
    jti: randomUUID(),
    exp: NOW_MS / 1000 + 45,
    ...changes,
  };
}

export function headerFor(config: BoxEmulator['config'], changes: Json = {}): Json {
  return { alg: 'RS256', typ: 'JWT', kid: config.boxAppSettings.appAuth.publicKeyID, ...changes };
}

/** Signs a JWT with node:crypto, so that the package does not test itself. */
export function makeAssertion(
  config: BoxEmulator['config'],
  changes: { readonly header?: Json; readonly claims?: Json } = {},
): string {
  const { privateKey: key, passphrase } = config.boxAppSettings.appAuth;
  const header = headerFor(config, changes.header);
  const input = signingInput(header, claimsFor(config, changes.claims));
  const hash = HASHES.get(header.alg) ?? 'sha256';
  const signature = sign(hash, Buffer.from(input), createPrivateKey({ key, passphrase }));
  return `${input}.${signature.toString('base64url')}`;
}

export function signingInput(header: Json, claims: Json): string {
  return [header, claims]
    .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
    .join('.');
}
