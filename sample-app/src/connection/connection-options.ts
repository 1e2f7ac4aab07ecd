import {
  type BoxConnectionsModuleOptions,
  type ConnectionVault,
} from 'nestjs-box-auth/connections';
import { type EmulatedOAuthApp, MemoryConnectionVault } from 'nestjs-box-auth/testing';
import { type Environment, SettingsError } from '../environment.js';

/** The path that Box sends people back to. */
export const CALLBACK_PATH = '/box/callback';

/** The OAuth app of an emulator. */
export interface EmulatedApp {
  readonly oauthApp: Pick<EmulatedOAuthApp, 'clientId' | 'clientSecret'>;
  readonly apiUrl: string;
  readonly redirectUri: string;
  /** Encrypts the connections. */
  readonly secret: string;
}

/** Uses the OAuth app of an emulator. Its tokens end with the emulator, so only several processes need a database. */
export async function withEmulatedApp(
  { oauthApp, ...app }: EmulatedApp,
  environment: Environment = {},
): Promise<BoxConnectionsModuleOptions> {
  const { clientId, clientSecret } = oauthApp;
  return { ...app, clientId, clientSecret, vault: await vaultIn(environment) };
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
