import type { Runtime } from '../../lib/core/runtime/runtime.js';
import type {
  Claim,
  ClaimRequest,
  StoredToken,
  TokenStore,
} from '../../lib/core/tokens/token-store.js';

interface Entry {
  fence: number;
  token?: { readonly stored: StoredToken; readonly fence: number; readonly grantedAt: number };
  lease?: { readonly owner: string; readonly fence: number; readonly until: number };
  pause?: { readonly reason: string; readonly until: number };
}

/** A token store for apps in one process. */
export class MemoryTokenStore implements TokenStore {
  readonly #entries = new Map<string, Entry>();

  constructor(private readonly runtime: Runtime) {}

  claim(identity: string, { owner, leaseMs, newerThan }: ClaimRequest): Promise<Claim> {
    const now = this.runtime.monotonic();
    const entry = this.#entry(identity, now);
    const { token, lease, pause } = entry;
    if (token !== undefined && token.fence > newerThan) {
      const { stored, fence, grantedAt } = token;
      return Promise.resolve({ state: 'token', token: stored, fence, ageMs: now - grantedAt });
    }
    if (pause !== undefined) {
      return Promise.resolve({ state: 'paused', forMs: pause.until - now, reason: pause.reason });
    }
    if (lease !== undefined && lease.owner !== owner) return Promise.resolve({ state: 'leased' });
    const fence =
      lease?.fence ?? Math.max(entry.fence + 1, newerThan + 1, Math.floor(this.runtime.now()));
    entry.fence = fence;
    entry.lease = { owner, fence, until: now + leaseMs };
    return Promise.resolve({ state: 'claimed', fence });
  }

  publish(identity: string, fence: number, token: StoredToken, ageMs: number): Promise<void> {
    const now = this.runtime.monotonic();
    const entry = this.#entry(identity, now);
    if (entry.token !== undefined && entry.token.fence > fence) return Promise.resolve();
    entry.fence = Math.max(entry.fence, fence);
    entry.token = { stored: token, fence, grantedAt: now - ageMs };
    delete entry.pause;
    if (entry.lease !== undefined && entry.lease.fence <= fence) delete entry.lease;
    return Promise.resolve();
  }

  invalidate(identity: string, fence: number): Promise<void> {
    const entry = this.#entry(identity, this.runtime.monotonic());
    if (entry.token !== undefined && entry.token.fence <= fence) delete entry.token;
    return Promise.resolve();
  }

  fail(identity: string, owner: string, pauseMs: number, reason: string): Promise<void> {
    const now = this.runtime.monotonic();
    const entry = this.#entry(identity, now);
    if (entry.lease?.owner !== owner) return Promise.resolve();
    delete entry.lease;
    entry.pause = { reason, until: now + pauseMs };
    return Promise.resolve();
  }

  /** The entry of `identity`, without expired parts. */
  #entry(identity: string, now: number): Entry {
    const entry = this.#entries.get(identity) ?? { fence: 0 };
    this.#entries.set(identity, entry);
    const { token, lease, pause } = entry;
    if (token !== undefined && now - token.grantedAt >= (token.stored.lifetimeMs ?? Infinity)) {
      delete entry.token;
    }
    if (lease !== undefined && now >= lease.until) delete entry.lease;
    if (pause !== undefined && now >= pause.until) delete entry.pause;
    return entry;
  }
}
