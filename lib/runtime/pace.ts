import { Observable } from 'rxjs';

// Taken now: the fake timers of somebody's test would keep it to themselves.
const inNextTurn = setImmediate;

/**
 * Lets one begin in each turn of the event loop; the others wait. What hundreds ask for at once then leaves room for
 * everything else that the process does. It knows no time, only turns.
 */
export class Pace {
  readonly #waiting = new Set<() => void>();
  #isTaken = false;

  /** Emits once, when it is one's turn: at once, if nobody was before. */
  turn(): Observable<void> {
    return new Observable((subscriber) => {
      const begin = () => {
        subscriber.next();
        subscriber.complete();
      };
      if (this.#isTaken) this.#waiting.add(begin);
      else this.#begin(begin);
      return () => this.#waiting.delete(begin);
    });
  }

  #begin(begin: () => void): void {
    this.#isTaken = true;
    inNextTurn(() => this.#nextTurn());
    begin();
  }

  #nextTurn(): void {
    this.#isTaken = false;
    const [next] = this.#waiting;
    if (next === undefined) return;
    this.#waiting.delete(next);
    this.#begin(next);
  }
}
