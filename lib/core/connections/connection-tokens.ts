import { AsyncResource } from 'node:async_hooks';
import type { LRUCache } from 'lru-cache';
import type { AuthEvent, EmitEvent } from '../events/auth-events.js';
import { delay } from '../runtime/delay.js';
import { lruCache } from '../runtime/lru-cache.js';
import { withTimeLimit } from '../runtime/time-budget.js';
import type { AccessToken } from '../token-endpoint/access-token.js';
import { RejectionThrottle } from '../tokens/rejection-throttle.js';
import { mintReporter } from '../tokens/mint-reporter.js';
import { closedError } from '../tokens/token-errors.js';
import { type TokenDemand, TokenRefresher } from '../tokens/token-refresher.js';
import { CachedToken } from '../tokens/token-schedule.js';
import { ConnectionSource, type ConnectionSourceContext } from './connection-source.js';
import type { ConnectionKey } from './connection-vault.js';

const MIN_RETRY_MS = 1_000;
const MAX_RETRY_MS = 30_000;
const CLOSING_MS = 5_000;

interface Entry {
  readonly source: ConnectionSource;
  readonly refresher: TokenRefresher;
}

/**
 * The tokens of the connections of one app. Each is cached, shared by its callers and refreshed in the background like a token
 * of the app. A bounded number of them is cached (least recently used).
 */
export class ConnectionTokens {
  readonly #cached: LRUCache<string, Entry>;
  /** Connections with a running task, or with a pair that is not in the vault yet. They are never evicted. */
  readonly #pinned = new Map<string, Entry>();
  readonly #rejections: RejectionThrottle;
  readonly #asyncScope = new AsyncResource('nestjs-box-auth.ConnectionTokens');
  readonly #closing = new AbortController();
  #closed: Promise<void> | undefined;

  constructor(
    private readonly context: ConnectionSourceContext,
    private readonly emit: EmitEvent,
    maxConnections: number,
  ) {
    this.#cached = lruCache(maxConnections);
    this.#rejections = new RejectionThrottle(context.renewal.minBackoffMs, context.runtime);
  }

  /** The cached token of a connection, if no refresh is due yet and it lives for `minValidityMs`. */
  peekFresh(key: ConnectionKey, minValidityMs?: number): AccessToken | undefined {
    return this.#find(nameOf(key))?.refresher.peekFresh(minValidityMs);
  }

  /** The cached token of a connection, if it may be handed out. */
  peek(key: ConnectionKey): AccessToken | undefined {
    return this.#find(nameOf(key))?.refresher.usableToken;
  }

  /** @throws BoxAuthError the errors of `ConnectionSource.mint`, and `closed` */
  get(key: ConnectionKey, demand: TokenDemand = {}): Promise<AccessToken> {
    const { refresher } = this.#entryOf(key);
    return this.#paced(refresher.get(demand), refresher, demand.signal);
  }

  /**
   * Returns another token than `refused`: the one in the vault, or a new one.
   *
   * @throws BoxAuthError the errors of `get`, and `token_refused_again`
   */
  replace(key: ConnectionKey, refused: AccessToken, demand: TokenDemand): Promise<AccessToken> {
    const { refresher } = this.#entryOf(key);
    return this.#paced(refresher.replace(refused, demand), refresher, demand.signal);
  }

  /** Forgets a refused token if it is still the current one. */
  invalidate(key: ConnectionKey, token: AccessToken): void {
    this.#find(nameOf(key))?.refresher.invalidate(token);
  }

  /** Forgets the token of a connection, which was connected again or disconnected. */
  forget(key: ConnectionKey): void {
    this.#find(nameOf(key))?.refresher.forget();
  }

  /** Refreshes a connection although its token `current` may still be valid. */
  async refresh(key: ConnectionKey, current: AccessToken): Promise<void> {
    const entry = this.#entryOf(key);
    await this.#whileOpen(key, entry, () => this.#refresh(entry.source, current));
    entry.refresher.forget();
  }

  /** Ends the waits of all callers. Waits at most 5 s until the refreshes that have begun are in the vault. */
  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    const entries = new Set([...this.#cached.values(), ...this.#pinned.values()]);
    this.#closing.abort(closedError());
    this.#rejections.release();
    for (const { refresher } of entries) refresher.forget();
    const { runtime } = this.context;
    const limit = { runtime, limitMs: CLOSING_MS, toError: closedError };
    const writes = Array.from(this.#pinned.values(), ({ source }) => source.writePair());
    const writeAll = () => Promise.allSettled(writes);
    await withTimeLimit(limit, writeAll).catch(() => undefined);
  }

  /** Delays a rejection, so that a caller that retries at once does not block the event loop. */
  async #paced<T>(work: Promise<T>, subject: object, signal?: AbortSignal): Promise<T> {
    try {
      return await work;
    } catch (error) {
      await this.#rejections.delay(subject, signal);
      throw error;
    }
  }

  #find(name: string): Entry | undefined {
    return this.#pinned.get(name) ?? this.#cached.get(name);
  }

  #entryOf(key: ConnectionKey): Entry {
    const name = nameOf(key);
    const known = this.#find(name);
    if (known !== undefined) return known;
    const entry = this.#newEntry(key);
    this.#cached.set(name, entry);
    return entry;
  }

  #newEntry(key: ConnectionKey): Entry {
    const { renewal, runtime } = this.context;
    const source = new ConnectionSource(key, this.context);
    const refresher: TokenRefresher = new TokenRefresher(
      { type: 'user', id: key.owner },
      {
        source,
        run: (_refresher, mint) => this.#whileOpen(key, entry, mint),
        onToken: () => undefined,
        emit: (event) => this.#emit(event),
        options: renewal,
        runtime,
      },
    );
    const entry = { source, refresher };
    return entry;
  }

  /** Emits the event that a refresher emits for its own token requests. */
  async #refresh(source: ConnectionSource, current: AccessToken): Promise<void> {
    const { renewal, runtime } = this.context;
    let usableForMs = 0;
    const request = {
      kind: 'renewal',
      isOwn: false,
      enterprise: undefined,
      subjectType: () => 'connection' as const,
      usableForMs: () => usableForMs,
    } as const;
    const report = mintReporter(request, runtime, (event) => this.#emit(event));
    try {
      const minted = await source.mint(undefined, { current });
      ({ usableForMs } = new CachedToken(minted, renewal, runtime));
      report.succeeded(minted);
    } catch (error) {
      report.failed(error);
      throw error;
    }
  }

  /** A connection that is missing or has ended concerns the person, who gets the error, and not the operator. */
  #emit(event: AuthEvent): void {
    const code = 'error' in event ? event.error?.code : undefined;
    if (code === 'connection_missing' || code === 'reauthorization_required') return;
    this.emit('subjectType' in event ? { ...event, subjectType: 'connection' } : event);
  }

  /** Runs a task outside of every caller's async context, because all callers share it. */
  async #whileOpen<T>(key: ConnectionKey, entry: Entry, task: () => Promise<T>): Promise<T> {
    this.#closing.signal.throwIfAborted();
    const name = nameOf(key);
    return this.#asyncScope.runInAsyncScope(() => {
      const work = task();
      if (this.#pinned.get(name) !== entry) {
        this.#pinned.set(name, entry);
        void this.#unpinWhenWritten(name, entry);
      }
      return work;
    });
  }

  /** Writes the pair of a connection until that succeeds: without it, the next refresh may fail. */
  async #unpinWhenWritten(name: string, { source }: Entry): Promise<void> {
    const { runtime } = this.context;
    for (let pauseMs = MIN_RETRY_MS; !source.isIdle || source.isUnwritten;) {
      await source.idle();
      if (!source.isUnwritten) continue;
      try {
        await delay(runtime, pauseMs * (0.5 + runtime.random()), this.#closing.signal);
        pauseMs = Math.min(pauseMs * 2, MAX_RETRY_MS);
        await source.writePair();
      } catch {
        if (this.#closing.signal.aborted) return;
      }
    }
    this.#pinned.delete(name);
  }
}

/** Different for each connection of an app. */
function nameOf({ owner, label }: Pick<ConnectionKey, 'owner' | 'label'>): string {
  return JSON.stringify([owner, label]);
}
