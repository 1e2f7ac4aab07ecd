import { inNextTurn } from './next-turn.js';

const MAX_TURN_MS = 10_000;

/**
 * Lets one begin in each turn of the event loop; the others wait. What hundreds ask for at once then leaves room for
 * everything else that the process does. It knows no time, only turns.
 */
export class TickQueue {
  readonly #waiting = new Set<() => void>();
  #isTaken = false;
  #takenAt = 0;

  /** Calls `begin` when it is its turn: at once, if nobody was before. Returns what gives the turn up. */
  enqueue(begin: () => void): () => void {
    if (this.#isStuck) this.#letAllBegin();
    if (this.#isTaken) this.#waiting.add(begin);
    else this.#begin(begin);
    return () => this.#waiting.delete(begin);
  }

  #begin(begin: () => void): void {
    this.#isTaken = true;
    this.#takenAt = performance.now();
    inNextTurn(() => this.#nextTurn());
    begin();
  }

  /** Somebody keeps the turns of the loop to themselves: fake timers that were there before us. */
  get #isStuck(): boolean {
    return this.#isTaken && performance.now() - this.#takenAt > MAX_TURN_MS;
  }

  #letAllBegin(): void {
    this.#isTaken = false;
    const all = [...this.#waiting];
    this.#waiting.clear();
    for (const begin of all) begin();
  }

  #nextTurn(): void {
    this.#isTaken = false;
    const [next] = this.#waiting;
    if (next === undefined) return;
    this.#waiting.delete(next);
    this.#begin(next);
  }
}
