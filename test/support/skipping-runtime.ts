import type { Runtime } from 'nestjs-box-auth';

/** The limit for reading an error response: it must not pass while a real response arrives. */
const ERROR_BODY_MS = 1_000;

interface Pending {
  readonly delayMs: number;
  readonly run: () => void;
}

/** A runtime that skips waits: its clock jumps to the end of each. For tests with real servers. */
export class SkippingRuntime implements Runtime {
  /** The waits so far, in milliseconds. */
  readonly waits: number[] = [];
  readonly #pending = new Set<Pending>();
  #isPaused = false;
  #ids = 0;
  #elapsed = 1_000;
  /** The result of `random`. */
  randomValue = 0.6;

  now = (): number => Date.parse('2026-03-01T12:00:00Z') + this.#elapsed;
  monotonic = (): number => this.#elapsed;
  random = (): number => this.randomValue;
  uniqueId = (): string => `id-${String(++this.#ids).padStart(30, '0')}`;

  schedule(
    task: () => void,
    delayMs: number,
    options?: { readonly holdProcess: boolean },
  ): () => void {
    const dueAt = this.#elapsed + delayMs;
    const isWait = options?.holdProcess !== true && delayMs !== ERROR_BODY_MS;
    const pending: Pending = {
      delayMs,
      run: () => {
        if (!this.#pending.delete(pending)) return;
        this.waits.push(Math.round(delayMs));
        this.#elapsed = Math.max(this.#elapsed, dueAt);
        task();
      },
    };
    this.#pending.add(pending);
    if (isWait && !this.#isPaused) setImmediate(pending.run);
    return () => void this.#pending.delete(pending);
  }

  /** How many timers are waiting, including those that keep the process alive. */
  get timers(): number {
    return this.#pending.size;
  }

  /** Waits from now on never end. */
  pause(): void {
    this.#isPaused = true;
  }
}
