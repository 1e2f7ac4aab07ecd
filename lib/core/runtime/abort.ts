const nothing = (): void => undefined;

/** The listener of each signal. */
const listeners = new WeakMap<AbortSignal, AbortListener>();

/**
 * Calls `task` when `signal` is aborted, or at once if it already is. Returns a function that removes the task. All tasks of
 * a signal share one listener, because Node reports many listeners as a leak.
 */
export function onAbort(signal: AbortSignal, task: () => void): () => void {
  if (signal.aborted) {
    task();
    return nothing;
  }
  const listener = listeners.get(signal) ?? new AbortListener(signal);
  return listener.add(task);
}

class AbortListener {
  readonly #tasks = new Set<{ readonly run: () => void }>();

  constructor(private readonly signal: AbortSignal) {
    signal.addEventListener('abort', this);
    listeners.set(signal, this);
  }

  add(run: () => void): () => void {
    const task = { run };
    this.#tasks.add(task);
    return () => {
      if (this.#tasks.delete(task) && this.#tasks.size === 0) this.#unsubscribe();
    };
  }

  handleEvent(): void {
    this.#unsubscribe();
    for (const { run } of this.#tasks) run();
  }

  #unsubscribe(): void {
    this.signal.removeEventListener('abort', this);
    listeners.delete(this.signal);
  }
}

/** Settles like `work`, or rejects with the reason of `signal` if the signal is aborted first. */
export async function untilAborted<T>(
  signal: AbortSignal | undefined,
  work: Promise<T>,
): Promise<T> {
  if (signal === undefined) return work;
  let stop = nothing;
  const aborted = new Promise<never>((_, reject) => {
    stop = onAbort(signal, () => reject(signal.reason));
  });
  try {
    return await Promise.race([work, aborted]);
  } finally {
    stop();
  }
}
