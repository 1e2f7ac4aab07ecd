import { setImmediate } from 'node:timers';

/** Runs `task` in the next turn of the event loop. Taken at import, before a test can replace it by fake timers. */
export const inNextTurn: (task: () => void) => void = setImmediate;

/** Resolves in the next turn of the event loop: timers, I/O and signals come first. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    inNextTurn(resolve);
  });
}
