import { deferred } from '../../support/deferred.js';
import { type ContextOverrides, type Ran, run } from '../cli-fixture.js';

export interface Running {
  readonly url: string;
  readonly printed: string;
  stop(): Promise<Ran>;
}

/** Starts the command and waits for its instructions. */
export async function emulating(
  args: readonly string[] = [],
  overrides: ContextOverrides = {},
): Promise<Running> {
  const interrupted = deferred();
  const welcomed = deferred();
  let printed = '';
  const ended = run(['emulate', ...args], {
    ...overrides,
    interrupted: () => interrupted.promise,
    onPrint: (text) => {
      printed ||= text;
      welcomed.resolve();
    },
  });
  const early = ended.then(({ text }) => Promise.reject(new Error(`it ended early: ${text}`)));
  await Promise.race([welcomed.promise, early]);
  early.catch(() => undefined);
  const url = /listens at (\S+)\. /.exec(printed)?.[1] ?? '';
  return {
    url,
    printed,
    stop: () => {
      interrupted.resolve();
      return ended;
    },
  };
}
