import { firstValueFrom, from, race, Subject as Signal } from 'rxjs';
import { after, awaited } from '../runtime/after.js';
import { nextTurn } from '../runtime/next-turn.js';
import type { Runtime } from '../runtime/runtime.js';
import { aborted } from './aborted.js';

const UNPAUSED_ROUNDS = 10;
const MAX_PAUSE_MS = 100;
const QUIET_MS = 1_000;

/** Rejections that follow each other closely. Those that wait for the same pause are one round. */
interface Streak {
  rounds: number;
  endedAt: number;
  pause: Promise<void> | undefined;
}

/**
 * Delays rejections. A remembered failure needs no I/O, so a caller that retries at once would keep the event loop to
 * itself: no timer, signal or other request would run.
 */
export class RejectionPace {
  readonly #streaks = new WeakMap<object, Streak>();
  readonly #released = new Signal<void>();

  /** No pause is longer than `minBackoffMs`, nor than 100 ms. */
  constructor(
    private readonly minBackoffMs: number,
    private readonly runtime: Runtime,
  ) {}

  /**
   * Resolves when a rejection about `subject` may reach its caller: in a later turn of the event loop. From the eleventh
   * in quick succession on there is a pause, too, which doubles from 1 to 100 ms. `signal` ends the wait for it.
   */
  async delay(subject: object, signal: AbortSignal | undefined): Promise<void> {
    const streak = this.#streakOf(subject);
    const pause = (streak.pause ??= this.#pause(streak));
    await nextTurn();
    if (signal === undefined) return pause;
    await firstValueFrom(race(from(pause), aborted(signal))).catch(() => undefined);
  }

  /** Ends the pauses that are running. */
  release(): void {
    this.#released.next();
  }

  #streakOf(subject: object): Streak {
    const known = this.#streaks.get(subject);
    if (known !== undefined && this.runtime.monotonic() - known.endedAt < QUIET_MS) return known;
    const streak = { rounds: 0, endedAt: Infinity, pause: undefined };
    this.#streaks.set(subject, streak);
    return streak;
  }

  async #pause(streak: Streak): Promise<void> {
    const doublings = streak.rounds++ - UNPAUSED_ROUNDS;
    const pauseMs = Math.min(2 ** doublings, MAX_PAUSE_MS, this.minBackoffMs);
    await nextTurn();
    if (pauseMs >= 1) {
      const wait = race(after(this.runtime, pauseMs), this.#released);
      await firstValueFrom(awaited(this.runtime, wait));
    }
    streak.pause = undefined;
    streak.endedAt = this.runtime.monotonic();
  }
}

/** Rejects with `reason` in the next turn of the event loop, so that a loop of wrong calls leaves room for others. */
export async function rejected(reason: unknown): Promise<never> {
  await nextTurn();
  throw reason;
}
