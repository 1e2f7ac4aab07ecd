import * as v from 'valibot';
import { wholeNumberBetween } from '../credentials/field-checks.js';
import { BoxAuthError } from '../errors/box-auth.error.js';
import type { ConnectionEvent } from '../events/auth-events.js';
import { MAX_DELAY_MS, type Runtime } from '../runtime/runtime.js';
import { accessTokenOf, type ConnectedPerson } from './connection-record.js';
import type { ConnectionTokens } from './connection-tokens.js';
import type { ConnectionKey, ConnectionRow, ConnectionStatus } from './connection-vault.js';
import type { GuardedVault } from './guarded-vault.js';
import type { OAuthClient } from './oauth-client.js';
import { checkedLabel, checkedOwner } from './owner.js';
import type { LoadedConnection, SealedConnections } from './sealed-connections.js';
import { type VaultHealth, VaultHealthCheck } from './vault-health.js';

const MAX_PAGE = 1_000;
const DEFAULT_PAGE = 100;
const PARALLEL = 8;
const DAY_MS = 86_400_000;
const DEFAULT_HEALTH_TIMEOUT_MS = 2_000;
const DOCS = 'https://datatracker.ietf.org/doc/html/rfc6749#section-6';

/** A person's account that an owner has connected. Contains no token. Times are milliseconds since the epoch. */
export interface Connection {
  readonly owner: string;
  readonly label: string;
  readonly user: ConnectedPerson;
  readonly status: ConnectionStatus;
  readonly connectedAt: number;
  /** When its tokens were last refreshed. */
  readonly refreshedAt: number;
  /** When the connection ends if it is neither used nor refreshed until then. */
  readonly expiresAt: number;
}

/** A page of connections. */
export interface ConnectionPage {
  readonly connections: readonly Connection[];
  /** Pass it as `after` to get the next page. Undefined after the last one. */
  readonly next?: string | undefined;
}

/** The dependencies of the connections of one app. */
export interface ConnectionsParts {
  readonly app: string;
  readonly client: OAuthClient;
  readonly connections: SealedConnections;
  readonly vault: GuardedVault;
  readonly tokens: ConnectionTokens;
  readonly keyId: string;
  /** How long an unused refresh token is valid at the issuer, in milliseconds. */
  readonly idleLifetimeMs: number;
  readonly onChange: (change: ConnectionEvent['change']) => void;
  readonly runtime: Runtime;
}

/** Looks after the connections of one app: lists, removes, refreshes and re-encrypts them. */
export class Connections {
  readonly #healthCheck: VaultHealthCheck;

  constructor(private readonly parts: ConnectionsParts) {
    this.#healthCheck = new VaultHealthCheck(parts);
  }

  /** @throws BoxAuthError `owner_invalid`, `option_invalid` */
  keyOf(owner: unknown, label?: unknown): ConnectionKey {
    return { app: this.parts.app, owner: checkedOwner(owner), label: checkedLabel(label) };
  }

  /** @throws BoxAuthError `vault_unavailable`, `vault_unreadable` */
  async get(key: ConnectionKey): Promise<Connection | undefined> {
    const loaded = await this.parts.connections.load(key);
    return loaded && this.describe(loaded);
  }

  /** @throws BoxAuthError `option_invalid`, `vault_unavailable`, `vault_unreadable` */
  async list({
    after,
    limit,
  }: {
    readonly after?: unknown;
    readonly limit?: unknown;
  }): Promise<ConnectionPage> {
    const { app, vault, connections } = this.parts;
    const size = checkedNumber('limit', limit ?? DEFAULT_PAGE, 1, MAX_PAGE);
    const position = after === undefined ? undefined : positionIn(after);
    // One more row shows whether there is another page.
    const request = { app, after: position, limit: size + 1 };
    const rows = await vault.send((store) => store.list(request));
    const page = rows.slice(0, size);
    const loaded = await Promise.all(page.map((row) => connections.open(row)));
    const last = rows.length > size ? page.at(-1) : undefined;
    return {
      connections: loaded.map((connection) => this.describe(connection)),
      ...(last !== undefined && { next: cursorAfter(last) }),
    };
  }

  /** Returns whether the issuer revoked the tokens. The connection is removed in any case. */
  async disconnect(key: ConnectionKey, revoke: boolean): Promise<boolean> {
    const { connections, client, tokens, vault, onChange } = this.parts;
    const loaded = await connections.load(key).catch(undefinedIfUnreadable);
    const isRevoked =
      revoke &&
      loaded !== undefined &&
      (await client.revoke(loaded.record.refreshToken).then(
        () => true,
        () => false,
      ));
    await vault.send((store) => store.remove(key));
    tokens.forget(key);
    if (loaded !== undefined) onChange('disconnected');
    return isRevoked;
  }

  /**
   * Refreshes the connections that were not refreshed for `idleForMs`, at most `limit`, the longest idle ones first.
   *
   * @throws BoxAuthError `option_invalid`, `vault_unavailable`
   */
  async refreshIdle(options: {
    readonly idleForMs?: unknown;
    readonly limit?: unknown;
  }): Promise<{ readonly refreshed: number; readonly lost: number; readonly failed: number }> {
    const { app, vault, runtime, idleLifetimeMs } = this.parts;
    const idleForMs = checkedNumber(
      'idleForMs',
      options.idleForMs ?? 30 * DAY_MS,
      0,
      idleLifetimeMs,
    );
    const limit = checkedNumber('limit', options.limit ?? DEFAULT_PAGE, 1, MAX_PAGE);
    const refreshedBefore = runtime.now() - idleForMs;
    const rows = await vault.send((store) => store.listIdle({ app, refreshedBefore, limit }));
    const counts = { refreshed: 0, lost: 0, failed: 0 };
    await inParallel(rows, async (row) => {
      counts[await this.#refresh(row)] += 1;
    });
    return counts;
  }

  /**
   * Encrypts connections with the current secret, at most `limit`, and returns how many are left that another one encrypts.
   * Leaves out connections that cannot be decrypted.
   *
   * @throws BoxAuthError `option_invalid`, `vault_unavailable`
   */
  async rekey(options: {
    readonly limit?: unknown;
  }): Promise<{ readonly rekeyed: number; readonly left: number }> {
    const { app, vault, connections, keyId } = this.parts;
    const limit = checkedNumber('limit', options.limit ?? DEFAULT_PAGE, 1, MAX_PAGE);
    const { rows, total } = await vault.send((store) => store.listOtherKeys({ app, keyId, limit }));
    let rekeyed = 0;
    await inParallel(rows, async (row) => {
      const loaded = await connections.open(row).catch(undefinedIfUnreadable);
      if (loaded === undefined) return;
      const content = { record: loaded.record, status: row.status };
      // A connection that was changed meanwhile was also encrypted.
      if ((await connections.replace(row, row.version, content)) !== undefined) rekeyed += 1;
    });
    return { rekeyed, left: Math.max(total - rekeyed, 0) };
  }

  /** @throws BoxAuthError `option_invalid` */
  async health(options: { readonly timeoutMs?: unknown }): Promise<VaultHealth> {
    const { timeoutMs = DEFAULT_HEALTH_TIMEOUT_MS } = options;
    return this.#healthCheck.check(checkedNumber('timeoutMs', timeoutMs, 0, MAX_DELAY_MS));
  }

  describe({ row, record }: LoadedConnection): Connection {
    const { owner, label, status, refreshedAt } = row;
    const { connectedAt, person } = record;
    const { id, login, name, enterprise } = person;
    return {
      owner,
      label,
      user: { id, login, name, ...(enterprise !== undefined && { enterprise }) },
      status,
      connectedAt,
      refreshedAt,
      expiresAt: refreshedAt + this.parts.idleLifetimeMs,
    };
  }

  async #refresh(row: ConnectionRow): Promise<'refreshed' | 'lost' | 'failed'> {
    const { app, connections, tokens } = this.parts;
    const { owner, label } = row;
    try {
      const { record } = await connections.open(row);
      await tokens.refresh({ app, owner, label }, accessTokenOf(record));
      return 'refreshed';
    } catch (error) {
      return error instanceof BoxAuthError && error.code === 'reauthorization_required'
        ? 'lost'
        : 'failed';
    }
  }
}

function undefinedIfUnreadable(error: unknown): undefined {
  if (!(error instanceof BoxAuthError && error.code === 'vault_unreadable')) throw error;
}

async function inParallel<T>(items: readonly T[], task: (item: T) => Promise<void>): Promise<void> {
  const waiting = items.values();
  const worker = async () => {
    for (const item of waiting) await task(item);
  };
  await Promise.all(Array.from({ length: PARALLEL }, worker));
}

const position = v.tuple([v.string(), v.string()]);

function cursorAfter({ owner, label }: ConnectionRow): string {
  return Buffer.from(JSON.stringify([owner, label])).toString('base64url');
}

/** @throws BoxAuthError `option_invalid` */
function positionIn(cursor: unknown): Pick<ConnectionKey, 'owner' | 'label'> {
  try {
    const text = Buffer.from(v.parse(v.string(), cursor), 'base64url').toString();
    const [owner, label] = v.parse(position, JSON.parse(text));
    return { owner: checkedOwner(owner), label: checkedLabel(label) };
  } catch {
    throw invalid('after', 'the `next` of a page');
  }
}

/** @throws BoxAuthError `option_invalid` */
function checkedNumber(name: string, value: unknown, min: number, max: number): number {
  const result = v.safeParse(wholeNumberBetween(min, max), value);
  if (result.success) return result.output;
  throw invalid(name, result.issues[0].message);
}

function invalid(name: string, expected: string): BoxAuthError {
  return new BoxAuthError({
    code: 'option_invalid',
    message: `Invalid \`${name}\`: expected ${expected}.`,
    hint: `Correct \`${name}\` where the method is called.`,
    docs: DOCS,
  });
}
