import { BoxAuthError } from '../errors/box-auth.error.js';
import { withTimeLimit } from '../runtime/time-budget.js';
import type { Runtime } from '../runtime/runtime.js';
import { vaultUnavailable } from './connection-errors.js';
import type { ConnectionVault } from './connection-vault.js';

const COMMAND_TIMEOUT_MS = 5_000;

/** Sends commands to a vault, each for at most 5 s. */
export class GuardedVault {
  constructor(
    private readonly vault: ConnectionVault,
    private readonly runtime: Runtime,
  ) {}

  /** @throws BoxAuthError `vault_unavailable`: the command may have been executed all the same */
  async send<T>(command: (vault: ConnectionVault) => Promise<T>): Promise<T> {
    const toError = () => new Error(`No response within ${COMMAND_TIMEOUT_MS} ms.`);
    const limit = { runtime: this.runtime, limitMs: COMMAND_TIMEOUT_MS, toError };
    try {
      return await withTimeLimit(limit, async () => command(this.vault));
    } catch (error) {
      const isKnown = error instanceof BoxAuthError && error.code === 'vault_unavailable';
      throw isKnown ? error : vaultUnavailable(error);
    }
  }
}
