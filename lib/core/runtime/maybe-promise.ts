/** A promise only if there is something to wait for: awaiting costs a call as much as reading a cached token. */
export type MaybePromise<T> = T | Promise<T>;

/** Calls `task` with the result of `value`: at once if there is nothing to wait for. */
export function whenReady<T, R>(
  value: MaybePromise<T>,
  task: (value: T) => MaybePromise<R>,
): MaybePromise<R> {
  return value instanceof Promise ? value.then(task) : task(value);
}
