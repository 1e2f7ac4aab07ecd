import { describe, expect, it } from 'vitest';
import { processContext } from '../../lib/cli/process-context.js';

const SIGNALS = ['SIGINT', 'SIGTERM'] as const;

describe('A command that runs until it is interrupted', () => {
  it.each(SIGNALS)('ends on %s, and ignores the second signal that npx sends', async (signal) => {
    const before = new Map(SIGNALS.map((name) => [name, process.rawListeners(name)]));
    const ours = (name: NodeJS.Signals) =>
      process
        .rawListeners(name)
        .filter((listener) => !before.get(name as 'SIGINT')?.includes(listener));
    const interrupted = processContext().interrupted();
    const [listener, ...others] = ours(signal);
    expect(others).toEqual([]);
    listener?.(signal);
    await expect(interrupted).resolves.toBeUndefined();
    expect(ours(signal)).toEqual([listener]);
    for (const name of SIGNALS) {
      for (const added of ours(name)) process.removeListener(name, added as NodeJS.SignalsListener);
    }
  });
});
