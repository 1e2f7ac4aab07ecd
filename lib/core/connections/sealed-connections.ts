import { vaultUnreadable } from './connection-errors.js';
import { type ConnectionRecord, parseRecord } from './connection-record.js';
import type { ConnectionKey, ConnectionRow, ConnectionStatus } from './connection-vault.js';
import type { GuardedVault } from './guarded-vault.js';
import type { RowSeal } from './row-seal.js';

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
    const text = await this.seal.open(row.sealed, boundTo(row, row.version));
    const record = text === undefined ? undefined : parseRecord(text);
    if (record === undefined) throw vaultUnreadable('connection');
    return { row, record };
  }

  /**
   * Adds a connection with the version `version`. Resolves with its row, or undefined if there is one already.
   *
   * @throws BoxAuthError `vault_unavailable`
   */
  async insert(
    key: ConnectionKey,
    version: number,
    content: ConnectionContent,
  ): Promise<ConnectionRow | undefined> {
    const row = await this.#row(key, version, content);
    return (await this.vault.send((vault) => vault.insert(row))) ? row : undefined;
  }

  /**
   * Writes the next version of a connection. Resolves with its row, or undefined if the connection does not have `version` any
   * more.
   *
   * @throws BoxAuthError `vault_unavailable`
   */
  async replace(
    key: ConnectionKey,
    version: number,
    content: ConnectionContent,
  ): Promise<ConnectionRow | undefined> {
    const row = await this.#row(key, version + 1, content);
    return (await this.vault.send((vault) => vault.replace(row, version))) ? row : undefined;
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
      refreshedAt: Math.floor(record.obtainedAt),
      keyId: this.seal.keyId,
      sealed: await this.seal.seal(JSON.stringify(record), boundTo(key, version)),
    };
  }
}

/** The data that a sealed connection is bound to. In another row, or with another version, it cannot be decrypted. */
function boundTo({ app, owner, label }: ConnectionKey, version: number): readonly string[] {
  return ['connection', app, owner, label, String(version)];
}
