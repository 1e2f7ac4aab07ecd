import { untilAborted } from '../runtime/abort.js';
import { delay, holdingProcess } from '../runtime/delay.js';
import { yieldToEventLoop } from '../runtime/event-loop.js';
import type { Runtime } from '../runtime/runtime.js';

const ROUNDS_WITHOUT_PAUSE = 10;
const MAX_PAUSE_MS = 100;
const QUIET_MS = 1_000;

/** Rejections in quick succession. Rejections that wait for the same pause count as one round. */
interface Streak {
  rounds: number;
  endedAt: number;
  pause: Promise<void> | undefined;
}

/**
 * Delays rejections. A remembered failure needs no I/O, so a caller that retries at once would block the event loop: no
 * timer, signal or other request would run.
 */
export class RejectionThrottle {
  readonly #streaks = new WeakMap<object, Streak>();
  #pauses = new AbortController();

  /** Limits each pause to `minBackoffMs`, and to 100 ms. */
  constructor(
    private readonly minBackoffMs: number,
    private readonly runtime: Runtime,
  ) {}

  /**
   * Resolves in a later tick of the event loop, when a rejection about `subject` may reach its caller. From the eleventh
   * rejection in quick succession on, a pause precedes it, which doubles from 1 to 100 ms. `signal` ends that pause.
   */
  async delay(subject: object, signal: AbortSignal | undefined): Promise<void> {
    const streak = this.#streakOf(subject);
    const pause = (streak.pause ??= this.#pause(streak));
    await yieldToEventLoop();
    await untilAborted(signal, pause).catch(() => undefined);
  }

  /** Ends the pauses that are running. */
  release(): void {
    this.#pauses.abort();
    this.#pauses = new AbortController();
  }

  #streakOf(subject: object): Streak {
    const known = this.#streaks.get(subject);
    if (known !== undefined && this.runtime.monotonic() - known.endedAt < QUIET_MS) return known;
    const streak = { rounds: 0, endedAt: Infinity, pause: undefined };
    this.#streaks.set(subject, streak);
    return streak;
  }

  async #pause(streak: Streak): Promise<void> {
    const doublings = streak.rounds++ - ROUNDS_WITHOUT_PAUSE;
    const pauseMs = Math.min(2 ** doublings, MAX_PAUSE_MS, this.minBackoffMs);
    await yieldToEventLoop();
    if (pauseMs >= 1) {
      const { runtime } = this;
      const { signal } = this.#pauses;
      await holdingProcess(runtime, () => delay(runtime, pauseMs, signal)).catch(() => undefined);
    }
    streak.pause = undefined;
    streak.endedAt = this.runtime.monotonic();
  }
}

/** Rejects with `reason` in the next tick of the event loop, so that a loop of wrong calls does not block it. */
export async function rejected(reason: unknown): Promise<never> {
  await yieldToEventLoop();
  throw reason;
}
