import type { Runtime } from 'nestjs-box-auth';

interface Timer {
  readonly dueAt: number;
  readonly task: () => void;
}

/** A runtime whose clocks and timers move only when a test moves them. */
export class FakeRuntime implements Runtime {
  #wall: number;
  #monotonic = 1_000;
  #ids = 0;
  readonly #timers = new Set<Timer>();
  /** The result of `random`. */
  randomValue = 0.5;

  constructor(start = Date.parse('2026-03-01T12:00:00Z')) {
    this.#wall = start;
  }

  now = (): number => this.#wall;
  monotonic = (): number => this.#monotonic;
  random = (): number => this.randomValue;
  uniqueId = (): string => `id-${String(++this.#ids).padStart(30, '0')}`;

  schedule(task: () => void, delayMs: number): () => void {
    const timer = { dueAt: this.#monotonic + Math.max(delayMs, 0), task };
    this.#timers.add(timer);
    return () => void this.#timers.delete(timer);
  }

  /** How many timers are waiting. */
  get timers(): number {
    return this.#timers.size;
  }

  /** Moves both clocks, runs the timers that are due in order, and settles promises in between. */
  async advance(ms: number): Promise<void> {
    const end = this.#monotonic + ms;
    await settled();
    for (let next = this.#next(end); next !== undefined; next = this.#next(end)) {
      this.#pass(Math.max(next.dueAt - this.#monotonic, 0));
      this.#timers.delete(next);
      next.task();
      await settled();
    }
    this.#pass(end - this.#monotonic);
    await settled();
  }

  /** Sets the wall clock, as an operator or NTP does. */
  jump(ms: number): void {
    this.#wall += ms;
  }

  /** Suspends the machine: only the wall clock moves on. The monotonic clock and the timers stop. */
  sleep(ms: number): void {
    this.#wall += ms;
  }

  /** Stops the process (SIGSTOP): both clocks move on, and due timers run late. */
  freeze(ms: number): void {
    this.#pass(ms);
  }

  #pass(ms: number): void {
    this.#wall += ms;
    this.#monotonic += ms;
  }

  #next(end: number): Timer | undefined {
    return [...this.#timers]
      .filter(({ dueAt }) => dueAt <= end)
      .toSorted((a, b) => a.dueAt - b.dueAt)[0];
  }
}

/** Resolves once all promises that can settle now have settled. */
export async function settled(): Promise<void> {
  for (let turn = 0; turn < 3; turn++) {
    await new Promise((resolve) => {
      setImmediate(resolve);
    });
  }
}
