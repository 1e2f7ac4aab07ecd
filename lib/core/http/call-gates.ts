import { lruCache } from '../runtime/lru-cache.js';
import type { Runtime } from '../runtime/runtime.js';
import { CallGate } from './call-gate.js';

const MAX_GATES = 10_000;

/** A gate for each acting user whose calls were rate limited lately. Other users have none. */
export class CallGates {
  readonly #gates = lruCache<CallGate>(MAX_GATES);
  #mark = 0;

  constructor(
    private readonly runtime: Runtime,
    private readonly maxDelayMs: number,
  ) {}

  /** Grows with each pause. A call remembers its value from when it was sent, to tell whether it was sent before a pause. */
  get mark(): number {
    return this.#mark;
  }

  /** Whether a call of the user `key` may be sent at once. */
  pass(key: string): boolean {
    return this.#find(key)?.pass() ?? true;
  }

  /** Resolves when a call of the user `key` may be sent. Rejects with the reason of `signal`. */
  async wait(key: string, isRepeat: boolean, signal: AbortSignal): Promise<void> {
    return this.#find(key)?.wait(isRepeat, signal);
  }

  accepted(key: string, mark: number): void {
    this.#find(key)?.accepted(mark);
  }

  /** Pauses the calls of the user `key`, for `maxDelayMs` at most: then one of them finds out whether the limit still holds. */
  refused(key: string, mark: number, pauseMs: number): void {
    const gate = this.#find(key) ?? this.#add(key);
    this.#mark += 1;
    gate.refused(mark, Math.min(pauseMs, this.maxDelayMs), this.#mark);
  }

  #find(key: string): CallGate | undefined {
    if (this.#gates.size === 0) return undefined;
    const gate = this.#gates.get(key);
    if (gate?.isForgotten !== true) return gate;
    this.#gates.delete(key);
    return undefined;
  }

  #add(key: string): CallGate {
    const gate = new CallGate(this.runtime, this.maxDelayMs);
    this.#gates.set(key, gate);
    return gate;
  }
}
