const nothing = (): void => undefined;

/** The listener of each signal. */
const listeners = new WeakMap<AbortSignal, AbortListener>();

/**
 * Calls `task` when `signal` is aborted, or now if it already is. Returns a function that removes the task. A signal may
 * belong to thousands of calls, and Node warns about many listeners as about a leak: all tasks share one listener.
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
      if (this.#tasks.delete(task) && this.#tasks.size === 0) this.#end();
    };
  }

  handleEvent(): void {
    this.#end();
    for (const { run } of this.#tasks) run();
  }

  #end(): void {
    this.signal.removeEventListener('abort', this);
    listeners.delete(this.signal);
  }
}

/** The result of `work`; rejects with the reason of `signal` if that is aborted first. */
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
