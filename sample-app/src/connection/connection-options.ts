import { randomBytes } from 'node:crypto';
import {
  type BoxConnectionsModuleOptions,
  type ConnectionVault,
} from 'nestjs-box-auth/connections';
import { type BoxEmulator, MemoryConnectionVault } from 'nestjs-box-auth/testing';
import { type Environment, SettingsError } from '../environment.js';

/** The path that Box sends people back to. */
export const CALLBACK_PATH = '/box/callback';

/** Uses the OAuth app of an emulator. Its tokens end with the emulator, so memory is the right place for them. */
export function withEmulatedApp(
  { oauthApp, url: apiUrl }: BoxEmulator,
  redirectUri: string,
): BoxConnectionsModuleOptions {
  const { clientId, clientSecret } = oauthApp;
  const secret = randomBytes(32).toString('base64');
  return {
    clientId,
    clientSecret,
    redirectUri,
    apiUrl,
    secret,
    vault: new MemoryConnectionVault(),
  };
}

/** Uses the OAuth app of the environment; undefined without one. `BoxConnectionsModule` reads its credentials itself. */
export async function withOwnApp(
  environment: Environment,
): Promise<BoxConnectionsModuleOptions | undefined> {
  if (!environment['BOX_OAUTH_CLIENT_ID']?.trim()) return undefined;
  return {
    redirectUri: environment['BOX_OAUTH_REDIRECT_URI'],
    vault: await vaultIn(environment),
    apiRetries: true,
  };
}

/** A vault in PostgreSQL, or one that a restart empties. */
async function vaultIn({ DATABASE_URL = '' }: Environment): Promise<ConnectionVault> {
  if (DATABASE_URL.trim() === '') return new MemoryConnectionVault();
  if (!/^postgres(?:ql)?:\/\//.test(DATABASE_URL)) {
    throw new SettingsError(
      'Invalid DATABASE_URL: expected an address that begins with postgres://.',
    );
  }
  // Loaded by portals with a database only.
  const { postgresVault } = await import('./postgres-vault.js');
  return postgresVault(DATABASE_URL);
}
