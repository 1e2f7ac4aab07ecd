import {
  ConnectionSource,
  type ConnectionSourceContext,
} from '../../lib/core/connections/connection-source.js';
import { reauthorizationRequired } from '../../lib/core/connections/connection-errors.js';
import type { ConnectionRecord } from '../../lib/core/connections/connection-record.js';
import type { ConnectionVault } from '../../lib/core/connections/connection-vault.js';
import { GuardedVault } from '../../lib/core/connections/guarded-vault.js';
import type { RowSeal } from '../../lib/core/connections/row-seal.js';
import { SealedConnections } from '../../lib/core/connections/sealed-connections.js';
import type { BoxAuthError } from '../../lib/core/errors/box-auth.error.js';
import { SecretSeal } from '../../lib/core/sealing/secret-seal.js';
import type { GrantedPair } from '../../lib/core/token-endpoint/grant.js';
import { renewalDefaults } from '../../lib/core/tokens/renewal.options.js';
import { MemoryConnectionVault } from '../../lib/testing/connection-vault/memory-connection-vault.js';
import { FakeRuntime } from './fake-runtime.js';

export const KEY = { app: 'app', owner: 'ann', label: '' };
export const VAULT_SECRET = 'a secret of the vault, 0123456789abcdef';
export const HOUR_MS = 3_600_000;
const VERSION = 7;

type Refresh = (refreshToken: string) => Promise<GrantedPair>;

/** A connection in a vault of the memory, and processes that share it. */
export class TestConnection {
  readonly runtime = new FakeRuntime();
  readonly stored = new MemoryConnectionVault(this.runtime);
  /** The refresh tokens that were exchanged. */
  readonly exchanged: string[] = [];
  readonly ends: BoxAuthError[] = [];
  /** Responds to the exchange of a refresh token. */
  respond: Refresh = async (refreshToken) => this.grant(`${refreshToken}+`);

  /** Adds the connection with the tokens `AT-1` and `RT-1`. */
  async connect(changes: Partial<ConnectionRecord> = {}): Promise<void> {
    const record = { ...this.record('1'), ...changes };
    await this.rows().insert(KEY, VERSION, { record, status: 'active' });
  }

  record(name: string): ConnectionRecord {
    const obtainedAt = this.runtime.now();
    return {
      accessToken: `AT-${name}`,
      refreshToken: `RT-${name}`,
      obtainedAt,
      expiresAt: obtainedAt + HOUR_MS,
      lifetimeMs: HOUR_MS,
      connectedAt: obtainedAt,
      person: { id: '11111', login: 'ann@example.com', name: 'Ann' },
    };
  }

  /** A pair with the refresh token `refreshToken`. */
  grant(refreshToken: string): GrantedPair {
    return {
      accessToken: refreshToken.replace('RT', 'AT'),
      refreshToken,
      lifetimeMs: HOUR_MS,
      expiresAt: this.runtime.now() + HOUR_MS,
      requestedAt: { wall: this.runtime.now(), monotonic: this.runtime.monotonic() },
    };
  }

  refuse(cause?: unknown): never {
    throw reauthorizationRequired(cause);
  }

  rows(vault: ConnectionVault = this.stored, seal = sealWith(VAULT_SECRET)): SealedConnections {
    return new SealedConnections(new GuardedVault(vault, this.runtime), seal);
  }

  /** A process with some methods of its vault replaced. */
  process(changes: Partial<ConnectionVault> = {}, secret = VAULT_SECRET): ConnectionSource {
    return new ConnectionSource(KEY, this.context(changes, secret));
  }

  /** The dependencies of a process with some methods of its vault replaced. */
  context(changes: Partial<ConnectionVault> = {}, secret = VAULT_SECRET): ConnectionSourceContext {
    const vault = new Proxy<ConnectionVault>(this.stored, {
      get: (target, name) => {
        const method: unknown = Reflect.get(changes, name) ?? Reflect.get(target, name);
        return typeof method === 'function' ? (method.bind(target) as unknown) : method;
      },
    });
    return {
      vault: new GuardedVault(vault, this.runtime),
      connections: this.rows(vault, sealWith(secret)),
      refresh: (refreshToken) => {
        this.exchanged.push(refreshToken);
        return this.respond(refreshToken);
      },
      onRefresh: () => undefined,
      onEnd: (error) => this.ends.push(error),
      renewal: renewalDefaults,
      runtime: this.runtime,
    };
  }

  async loaded(): Promise<ConnectionRecord | undefined> {
    return (await this.rows().load(KEY))?.record;
  }
}

function sealWith(secret: string): RowSeal {
  return new SecretSeal('vault', [secret]);
}
