import { systemRuntime } from '../../core/runtime/runtime.js';
import type { Runtime } from '../../core/runtime/runtime.js';
import type {
  ConnectionKey,
  ConnectionRow,
  ConnectionVault,
  IdleRequest,
  LeaseRequest,
  ListRequest,
  OtherKeysRequest,
  StateRow,
} from '../../core/connections/connection-vault.js';

const KEPT_AFTER_EXPIRY_MS = 3_600_000;

interface Entry {
  row: ConnectionRow;
  lease?: { readonly holder: string; readonly endsAt: number } | undefined;
}

interface StateEntry {
  readonly state: StateRow;
  isUsed: boolean;
}

/** A vault in the memory of this process, for tests: connections do not outlive it. */
export class MemoryConnectionVault implements ConnectionVault {
  readonly #entries = new Map<string, Entry>();
  readonly #states = new Map<string, StateEntry>();
  readonly #runtime: Pick<Runtime, 'now' | 'monotonic'>;

  constructor(runtime: Pick<Runtime, 'now' | 'monotonic'> = systemRuntime) {
    this.#runtime = runtime;
  }

  /** Removes all connections and sign-ins, for the next test. */
  clear(): void {
    this.#entries.clear();
    this.#states.clear();
  }

  /** See `ConnectionVault`. */
  async load(key: ConnectionKey): Promise<ConnectionRow | undefined> {
    return this.#entries.get(nameOf(key))?.row;
  }

  /** See `ConnectionVault`. */
  async insert(row: ConnectionRow): Promise<boolean> {
    const name = nameOf(row);
    if (this.#entries.has(name)) return false;
    this.#entries.set(name, { row: { ...row } });
    return true;
  }

  /** See `ConnectionVault`. */
  async replace(row: ConnectionRow, expectedVersion: number): Promise<boolean> {
    const entry = this.#entries.get(nameOf(row));
    if (entry?.row.version !== expectedVersion) return false;
    entry.row = { ...row };
    entry.lease = undefined;
    return true;
  }

  /** See `ConnectionVault`. */
  async lease(key: ConnectionKey, { holder, version, leaseMs }: LeaseRequest): Promise<boolean> {
    const entry = this.#entries.get(nameOf(key));
    if (entry?.row.version !== version) return false;
    const now = this.#runtime.monotonic();
    const { lease } = entry;
    if (lease !== undefined && lease.holder !== holder && now < lease.endsAt) return false;
    entry.lease = { holder, endsAt: now + leaseMs };
    return true;
  }

  /** See `ConnectionVault`. */
  async release(key: ConnectionKey, holder: string): Promise<void> {
    const entry = this.#entries.get(nameOf(key));
    if (entry?.lease?.holder === holder) entry.lease = undefined;
  }

  /** See `ConnectionVault`. */
  async remove(key: ConnectionKey): Promise<void> {
    this.#entries.delete(nameOf(key));
  }

  /** See `ConnectionVault`. */
  async list({ app, after, limit }: ListRequest): Promise<readonly ConnectionRow[]> {
    return this.#rowsOf(app)
      .filter((row) => after === undefined || compare(row, after) > 0)
      .toSorted(compare)
      .slice(0, limit);
  }

  /** See `ConnectionVault`. */
  async listIdle({ app, refreshedBefore, limit }: IdleRequest): Promise<readonly ConnectionRow[]> {
    return this.#rowsOf(app)
      .filter((row) => row.status === 'active' && row.refreshedAt < refreshedBefore)
      .toSorted((one, other) => one.refreshedAt - other.refreshedAt)
      .slice(0, limit);
  }

  /** See `ConnectionVault`. */
  async listOtherKeys({ app, keyId, limit }: OtherKeysRequest) {
    const rows = this.#rowsOf(app).filter((row) => row.keyId !== keyId);
    return { rows: rows.slice(0, limit), total: rows.length };
  }

  /** See `ConnectionVault`. */
  async putState(state: StateRow): Promise<void> {
    const now = this.#runtime.now();
    for (const [name, { state: old }] of this.#states) {
      if (old.expiresAt + KEPT_AFTER_EXPIRY_MS < now) this.#states.delete(name);
    }
    this.#states.set(nameOfState(state), { state: { ...state }, isUsed: false });
  }

  /** See `ConnectionVault`. */
  async useState(
    app: string,
    hash: string,
  ): Promise<{ readonly state: StateRow; readonly isFirstUse: boolean } | undefined> {
    const entry = this.#states.get(nameOfState({ app, hash }));
    if (entry === undefined) return undefined;
    const isFirstUse = !entry.isUsed;
    entry.isUsed = true;
    return { state: entry.state, isFirstUse };
  }

  #rowsOf(app: string): ConnectionRow[] {
    return Array.from(this.#entries.values(), ({ row }) => row).filter((row) => row.app === app);
  }
}

type Position = Pick<ConnectionKey, 'owner' | 'label'>;

function compare(one: Position, other: Position): number {
  return compareText(one.owner, other.owner) || compareText(one.label, other.label);
}

/** By code points. JavaScript compares by code units, and sorts an emoji before U+FFFD. */
function compareText(one: string, other: string): number {
  return Buffer.compare(Buffer.from(one), Buffer.from(other));
}

function nameOf({ app, owner, label }: ConnectionKey): string {
  return JSON.stringify([app, owner, label]);
}

function nameOfState({ app, hash }: Pick<StateRow, 'app' | 'hash'>): string {
  return JSON.stringify([app, hash]);
}
