import { onAbort } from './abort.js';
import { MAX_DELAY_MS, type Runtime } from './runtime.js';

const nothing = (): void => undefined;

/** Resolves after `delayMs` milliseconds of `runtime`; rejects with the reason of `signal` if that is aborted first. */
export function delay(runtime: Runtime, delayMs: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    let ignoreAbort = nothing;
    const cancel = runtime.schedule(() => {
      ignoreAbort();
      resolve();
    }, delayMs);
    if (signal === undefined) return;
    ignoreAbort = onAbort(signal, () => {
      cancel();
      reject(signal.reason);
    });
  });
}

/** The waiting callers of each runtime: one timer keeps the process alive for all of them. */
const holds = new WeakMap<Runtime, { waiting: number; readonly cancel: () => void }>();

/** Keeps the process alive until the returned function is called, so that a script does not exit before a retry. */
export function holdProcess(runtime: Runtime): () => void {
  const hold = holds.get(runtime) ?? {
    waiting: 0,
    cancel: runtime.schedule(nothing, MAX_DELAY_MS, { holdProcess: true }),
  };
  holds.set(runtime, hold);
  hold.waiting += 1;
  return () => {
    hold.waiting -= 1;
    if (hold.waiting > 0) return;
    holds.delete(runtime);
    hold.cancel();
  };
}

/** Runs `work`, and keeps the process alive until it settles. */
export async function holdingProcess<T>(runtime: Runtime, work: () => Promise<T>): Promise<T> {
  const release = holdProcess(runtime);
  try {
    return await work();
  } finally {
    release();
  }
}
