import { BoxAuthError } from '../errors/box-auth.error.js';
import type { BoxAuthErrorCode } from '../errors/error-codes.js';
import type { Runtime } from '../runtime/runtime.js';
import { withTimeLimit } from '../runtime/time-budget.js';
import type { GuardedVault } from './guarded-vault.js';
import type { SealedConnections } from './sealed-connections.js';

/**
 * Whether the vault can be read. Contains no owner, no token and no id.
 *
 * - `healthy`: it can.
 * - `degraded`: a connection that was read cannot be decrypted. Either the secret is wrong, or that connection was changed.
 * - `down`: it cannot. Tokens in memory are used until they expire.
 */
export type VaultHealth =
  | { readonly state: 'healthy' }
  | {
      readonly state: 'degraded' | 'down';
      readonly code: BoxAuthErrorCode;
      /** Health checks are often public, so the error message and its cause are left out. */
      readonly hint: string;
      /** When a check failed first, in ISO 8601. */
      readonly since: string;
    };

/** The dependencies of the health checks of one app. */
export interface VaultHealthParts {
  readonly app: string;
  readonly vault: GuardedVault;
  readonly connections: SealedConnections;
  readonly runtime: Runtime;
}

/** Checks the vault with one read. Checks that run at the same time share it. */
export class VaultHealthCheck {
  #reading: Promise<void> | undefined;
  /** In milliseconds since the epoch; undefined unless the last check failed. */
  #failingSince: number | undefined;

  constructor(private readonly parts: VaultHealthParts) {}

  async check(timeoutMs: number): Promise<VaultHealth> {
    const { runtime } = this.parts;
    const limit = { runtime, limitMs: timeoutMs, toError: tooSlow };
    try {
      await withTimeLimit(limit, () => this.#read());
      this.#failingSince = undefined;
      return { state: 'healthy' };
    } catch (error) {
      if (!(error instanceof BoxAuthError)) throw error;
      const { code, hint } = error;
      this.#failingSince ??= runtime.now();
      const since = new Date(this.#failingSince).toISOString();
      return { state: code === 'vault_unreadable' ? 'degraded' : 'down', code, hint, since };
    }
  }

  #read(): Promise<void> {
    this.#reading ??= this.#readOne().finally(() => {
      this.#reading = undefined;
    });
    return this.#reading;
  }

  async #readOne(): Promise<void> {
    const { app, vault, connections } = this.parts;
    const [row] = await vault.send((store) => store.list({ app, limit: 1 }));
    if (row !== undefined) await connections.open(row);
  }
}

function tooSlow(): BoxAuthError {
  return new BoxAuthError({
    code: 'timeout',
    message: 'The vault of connections has not responded within the time of the check.',
    hint: 'Check the load of its database, and whether its pool has enough connections.',
    docs: 'https://docs.nestjs.com/recipes/terminus',
    retryable: true,
  });
}
