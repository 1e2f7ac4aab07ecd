import type { MaybePromise } from '../runtime/maybe-promise.js';
import { vaultUnreadable } from './connection-errors.js';
import { type ConnectionRecord, parseRecord } from './connection-record.js';
import type { ConnectionKey, ConnectionRow, ConnectionStatus } from './connection-vault.js';
import type { GuardedVault } from './guarded-vault.js';

/** Encrypts the secret part of the rows of a vault. */
export interface RowSeal {
  /** Identifies the key that `seal` encrypts with. */
  readonly keyId: string;
  /** Encrypts `plain`, so that it can be decrypted only with the same `bound`. */
  seal(plain: string, bound: readonly string[]): MaybePromise<string>;
  /** Decrypts; undefined if the value was changed, is bound to other data, or was encrypted with an unknown key. */
  open(sealed: string, bound: readonly string[], keyId: string): MaybePromise<string | undefined>;
}

/** A connection that was read from the vault. */
export interface LoadedConnection {
  readonly row: ConnectionRow;
  readonly record: ConnectionRecord;
}

/** A connection to write. */
export interface ConnectionContent {
  readonly record: ConnectionRecord;
  readonly status: ConnectionStatus;
}

/** Reads and writes the connections of a vault. */
export class SealedConnections {
  constructor(
    private readonly vault: GuardedVault,
    private readonly seal: RowSeal,
  ) {}

  /** @throws BoxAuthError `vault_unavailable`, `vault_unreadable` */
  async load(key: ConnectionKey): Promise<LoadedConnection | undefined> {
    const row = await this.vault.send((vault) => vault.load(key));
    return row === undefined ? undefined : this.open(row);
  }

  /** @throws BoxAuthError `vault_unreadable` */
  async open(row: ConnectionRow): Promise<LoadedConnection> {
    const text = await this.seal.open(row.sealed, boundTo(row, row.version), row.keyId);
    const record = text === undefined ? undefined : parseRecord(text);
    if (record === undefined) throw vaultUnreadable('connection');
    return { row, record };
  }

  /**
   * Adds a connection with the version `version`. Resolves with false if there is one already.
   *
   * @throws BoxAuthError `vault_unavailable`
   */
  async insert(key: ConnectionKey, version: number, content: ConnectionContent): Promise<boolean> {
    const row = await this.#row(key, version, content);
    return this.vault.send((vault) => vault.insert(row));
  }

  /**
   * Writes the next version of a connection. Resolves with false if it does not have `version` any more.
   *
   * @throws BoxAuthError `vault_unavailable`
   */
  async replace(key: ConnectionKey, version: number, content: ConnectionContent): Promise<boolean> {
    const row = await this.#row(key, version + 1, content);
    return this.vault.send((vault) => vault.replace(row, version));
  }

  async #row(
    { app, owner, label }: ConnectionKey,
    version: number,
    { record, status }: ConnectionContent,
  ): Promise<ConnectionRow> {
    const key = { app, owner, label };
    return {
      ...key,
      version,
      status,
      refreshedAt: record.obtainedAt,
      keyId: this.seal.keyId,
      sealed: await this.seal.seal(JSON.stringify(record), boundTo(key, version)),
    };
  }
}

/** The data that a sealed connection is bound to. In another row, or with another version, it cannot be decrypted. */
function boundTo({ app, owner, label }: ConnectionKey, version: number): readonly string[] {
  return ['connection', app, owner, label, String(version)];
}
