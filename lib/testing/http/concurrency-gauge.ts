/** How many of a kind were under way at once, at the most. */
export class ConcurrencyGauge {
  readonly #current = new Map<string, number>();
  readonly #highest = new Map<string, number>();

  /** Call what it returns when that one is over. */
  enter(kind: string): () => void {
    const count = this.#add(kind, 1);
    this.#highest.set(kind, Math.max(count, this.highest(kind)));
    let isInside = true;
    return () => {
      if (isInside) this.#add(kind, -1);
      isInside = false;
    };
  }

  current(kind: string): number {
    return this.#current.get(kind) ?? 0;
  }

  highest(kind: string): number {
    return this.#highest.get(kind) ?? 0;
  }

  #add(kind: string, difference: number): number {
    const count = this.current(kind) + difference;
    this.#current.set(kind, count);
    return count;
  }
}
