import type { Runtime } from 'nestjs-box-auth';

interface Timer {
  readonly dueAt: number;
  readonly task: () => void;
}

/** Any hour of any day, reached by `advance`: nothing waits for it. */
export class FakeRuntime implements Runtime {
  #wall: number;
  #monotonic = 1_000;
  #ids = 0;
  readonly #timers = new Set<Timer>();
  /** What `random` gives; set it to see the extremes. */
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

  /** Lets time pass, timers fire in their order, and everything that follows from them happen. */
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

  /** Somebody sets the clock. */
  jump(ms: number): void {
    this.#wall += ms;
  }

  /** The machine sleeps: the wall clock goes on, the monotonic one stands still, and so do the timers. */
  sleep(ms: number): void {
    this.#wall += ms;
  }

  /** The process is stopped (SIGSTOP): both clocks go on, and what was due meanwhile comes late. */
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

/** All promises that can be kept now have been kept. */
export async function settled(): Promise<void> {
  for (let turn = 0; turn < 3; turn++) {
    await new Promise((resolve) => {
      setImmediate(resolve);
    });
  }
}
