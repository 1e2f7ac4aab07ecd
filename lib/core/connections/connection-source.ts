import { BoxAuthError } from '../errors/box-auth.error.js';
import { untilAborted } from '../runtime/abort.js';
import { delay, holdingProcess } from '../runtime/delay.js';
import type { Runtime } from '../runtime/runtime.js';
import type { AccessToken, MintedToken, PreviousTokens } from '../token-endpoint/access-token.js';
import type { GrantedPair } from '../token-endpoint/grant.js';
import type { RenewalOptions } from '../tokens/renewal.options.js';
import { isUsable } from '../tokens/token-schedule.js';
import type { TokenSource } from '../tokens/token-source.js';
import {
  connectionMissing,
  reauthorizationRequired,
  vaultUnavailable,
} from './connection-errors.js';
import { type ConnectionRecord, grantedToken, storedToken, withPair } from './connection-record.js';
import type { ConnectionKey } from './connection-vault.js';
import type { GuardedVault } from './guarded-vault.js';
import type { LoadedConnection, SealedConnections } from './sealed-connections.js';

const LEASE_MS = 5_000;
const MIN_LOOKUP_INTERVAL_MS = 100;
const MAX_LOOKUP_INTERVAL_MS = 1_000;
/** After this time, a process refreshes without the lease: its holder may be frozen. */
const MAX_WAIT_MS = 20_000;
/** Each conflict is a change by another process. More of them are a fault of the vault. */
const MAX_CONFLICTS = 20;

/** The dependencies of the sources of all connections. */
export interface ConnectionSourceContext {
  readonly connections: SealedConnections;
  readonly vault: GuardedVault;
  /**
   * Exchanges a refresh token for a new pair. Retries with the same refresh token if the outcome is uncertain.
   *
   * @throws BoxAuthError `reauthorization_required` if the issuer refuses the refresh token
   */
  readonly refresh: (refreshToken: string) => Promise<GrantedPair>;
  /** Called by the process that got a new pair. */
  readonly onRefresh: () => void;
  /** Called by the process that recorded the end of a connection. */
  readonly onEnd: (error: BoxAuthError) => void;
  readonly renewal: Required<RenewalOptions>;
  readonly runtime: Runtime;
}

/** A pair that this process got. */
interface OwnPair {
  /** The refresh token that was exchanged for it. */
  readonly exchanged: string;
  readonly record: ConnectionRecord;
  readonly minted: MintedToken;
}

/**
 * The tokens of one connection. A refresh token works once, so the order of these steps ensures that no crash, race or outage
 * loses the connection:
 *
 * 1. Load the connection. If its access token is fresh, use that one.
 * 2. Take the lease of the connection, so that the other processes wait.
 * 3. Exchange the refresh token. If the outcome is uncertain, do so again with the same refresh token.
 * 4. Write the new pair, if the connection still has the version that was loaded.
 * 5. Only then use the new access token: its first use ends the old pair.
 *
 * A connection ends only if the issuer refuses its refresh token, and the vault then still has the same one.
 */
export class ConnectionSource implements TokenSource {
  readonly defaultSubject = undefined;
  /** The latest pair that this process got. */
  #own: OwnPair | undefined;
  /** That pair, until it is in the vault. */
  #unwritten: OwnPair | undefined;
  /** Why the issuer refused a refresh token, which is never sent again. */
  #refusal: { readonly refreshToken: string; readonly error: BoxAuthError } | undefined;
  #running = 0;
  #lastRun: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly key: ConnectionKey,
    private readonly context: ConnectionSourceContext,
  ) {}

  get isIdle(): boolean {
    return this.#running === 0;
  }

  /** Whether this process has a pair that is not in the vault yet. */
  get isUnwritten(): boolean {
    return this.#unwritten !== undefined;
  }

  /** Resolves when every task is done. */
  async idle(): Promise<void> {
    while (this.#running > 0) await this.#lastRun;
  }

  forgetRefusals(): void {
    // A refused refresh token stays refused.
  }

  /**
   * Gets another token than those in `previous`. A refresh that has begun continues after `signal` is aborted, because its
   * result must reach the vault.
   *
   * @throws BoxAuthError `connection_missing`, `reauthorization_required`, `vault_unavailable`, `vault_unreadable`, or why the
   * token endpoint granted no token
   */
  mint(_subject: unknown, previous: PreviousTokens, signal?: AbortSignal): Promise<MintedToken> {
    return untilAborted(
      signal,
      this.#run(() => this.#findOrRefresh(previous, signal)),
    );
  }

  /** The token in the vault, if it is another one than `token`. Sends no token request, and never rejects. */
  async findNewer(token: AccessToken): Promise<MintedToken | undefined> {
    try {
      const { record } = await this.#run(() => this.#loadAndWrite());
      return record.accessToken === token.value ? undefined : this.#tokenOf(record);
    } catch {
      return undefined;
    }
  }

  /**
   * Writes the pair that this process has, if it is not in the vault yet.
   *
   * @throws BoxAuthError `vault_unavailable`, `vault_unreadable`, `connection_missing`
   */
  async writePair(): Promise<void> {
    await this.#run(async () => {
      if (this.isUnwritten) await this.#loadAndWrite();
    });
  }

  /** Runs `task` after the tasks before it: two of one process must not exchange the same refresh token. */
  #run<T>(task: () => Promise<T>): Promise<T> {
    this.#running += 1;
    const run = this.#lastRun
      .then(() => holdingProcess(this.context.runtime, task))
      .finally(() => {
        this.#running -= 1;
      });
    this.#lastRun = run.catch(() => undefined);
    return run;
  }

  async #findOrRefresh(previous: PreviousTokens, signal?: AbortSignal): Promise<MintedToken> {
    const { runtime } = this.context;
    const holder = runtime.uniqueId();
    let intervalMs = MIN_LOOKUP_INTERVAL_MS;
    let waitedMs = 0;
    let isRefreshed = false;
    for (let conflicts = 0; conflicts < MAX_CONFLICTS;) {
      const loaded = await this.#loadAndWrite();
      const minted = this.#tokenOf(loaded.record);
      if (isRefreshed || this.#isWanted(minted, previous)) return minted;
      if (loaded.row.status !== 'active') throw this.#endOf(loaded.record);
      signal?.throwIfAborted();
      if (waitedMs >= MAX_WAIT_MS || (await this.#lease(holder, loaded.row.version))) {
        conflicts += 1;
        isRefreshed = await this.#refresh(loaded, holder);
      } else {
        const pauseMs = intervalMs * (0.5 + runtime.random());
        await delay(runtime, pauseMs, signal);
        waitedMs += pauseMs;
        intervalMs = Math.min(intervalMs * 2, MAX_LOOKUP_INTERVAL_MS);
      }
    }
    throw tooManyConflicts();
  }

  /** Loads the connection, after the pair of this process was written. */
  async #loadAndWrite(): Promise<LoadedConnection> {
    const { connections } = this.context;
    for (let conflicts = 0; conflicts < MAX_CONFLICTS; conflicts++) {
      const loaded = await connections.load(this.key);
      if (loaded === undefined) {
        this.#unwritten = undefined;
        throw connectionMissing();
      }
      const pair = this.#unwritten;
      // Another refresh token: the pair was written after all, or a process has a newer one, or the person connected again.
      if (pair?.exchanged !== loaded.record.refreshToken) {
        this.#unwritten = undefined;
        return loaded;
      }
      const content = { record: pair.record, status: 'active' } as const;
      await connections.replace(this.key, loaded.row.version, content);
    }
    throw tooManyConflicts();
  }

  #tokenOf(record: ConnectionRecord): MintedToken {
    return this.#own?.record.accessToken === record.accessToken
      ? this.#own.minted
      : storedToken(record, this.context.runtime);
  }

  #isWanted(minted: MintedToken, { refused, current }: PreviousTokens): boolean {
    const { renewal, runtime } = this.context;
    const { value } = minted.token;
    return (
      value !== refused?.value && value !== current?.value && isUsable(minted, renewal, runtime)
    );
  }

  #endOf({ refreshToken }: ConnectionRecord): BoxAuthError {
    return this.#refusal?.refreshToken === refreshToken
      ? this.#refusal.error
      : reauthorizationRequired();
  }

  #lease(holder: string, version: number): Promise<boolean> {
    const request = { holder, version, leaseMs: LEASE_MS };
    return this.context.vault.send((vault) => vault.lease(this.key, request));
  }

  /** Exchanges the refresh token of a connection, and keeps the lease meanwhile. Returns whether this process has a new pair. */
  async #refresh({ row, record }: LoadedConnection, holder: string): Promise<boolean> {
    const stopExtending = this.#keepLease(holder, row.version);
    try {
      return await this.#exchange(record);
    } catch (error) {
      this.#release(holder);
      throw error;
    } finally {
      stopExtending();
    }
  }

  /** Returns false if the refresh token was refused: the connection has ended, or another process has exchanged the token. */
  async #exchange(record: ConnectionRecord): Promise<boolean> {
    const { refreshToken } = record;
    try {
      if (this.#refusal?.refreshToken === refreshToken) throw this.#refusal.error;
      const pair = await this.context.refresh(refreshToken);
      const granted = withPair(record, pair);
      const minted = grantedToken(granted, pair.requestedAt);
      this.#own = { exchanged: refreshToken, record: granted, minted };
      this.#unwritten = this.#own;
      this.context.onRefresh();
      return true;
    } catch (error) {
      if (!isEnd(error)) throw error;
      this.#refusal = { refreshToken, error };
      await this.#end(refreshToken);
      return false;
    }
  }

  /** Records the end of the connection, unless the vault has another refresh token by now. */
  async #end(refused: string): Promise<void> {
    const { connections, onEnd } = this.context;
    const loaded = await connections.load(this.key);
    if (loaded?.record.refreshToken !== refused || loaded.row.status !== 'active') return;
    const ended = { record: loaded.record, status: 'reauthorization_required' } as const;
    if (await connections.replace(this.key, loaded.row.version, ended)) {
      onEnd(this.#endOf(loaded.record));
    }
  }

  #release(holder: string): void {
    this.context.vault.send((vault) => vault.release(this.key, holder)).catch(() => undefined);
  }

  /** Extends the lease until the returned function is called. */
  #keepLease(holder: string, version: number): () => void {
    let cancel: () => void;
    const schedule = () => {
      cancel = this.context.runtime.schedule(() => {
        this.#lease(holder, version).catch(() => undefined);
        schedule();
      }, LEASE_MS / 3);
    };
    schedule();
    return () => cancel();
  }
}

function isEnd(error: unknown): error is BoxAuthError {
  return error instanceof BoxAuthError && error.code === 'reauthorization_required';
}

function tooManyConflicts(): BoxAuthError {
  return vaultUnavailable(new Error(`It reported ${MAX_CONFLICTS} conflicts in a row.`));
}
