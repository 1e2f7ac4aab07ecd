import { describe, expect, it } from 'vitest';
import { delay } from '../../../lib/core/runtime/delay.js';
import { FakeRuntime } from '../../support/fake-runtime.js';

describe('A delay', () => {
  it('resolves after its time', async () => {
    const runtime = new FakeRuntime();
    let isOver = false;
    void delay(runtime, 500).then(() => (isOver = true));
    await runtime.advance(499);
    expect(isOver).toBe(false);
    await runtime.advance(1);
    expect(isOver).toBe(true);
  });

  it.each([
    ['during the delay', false],
    ['before it', true],
  ])(
    'rejects with the reason of a signal that is aborted %s, and leaves no timer',
    async (_, isEarly) => {
      const runtime = new FakeRuntime();
      const controller = new AbortController();
      if (isEarly) controller.abort('gone');
      const waiting = delay(runtime, 500, controller.signal);
      controller.abort('gone');
      await expect(waiting).rejects.toBe('gone');
      expect(runtime.timers).toBe(0);
    },
  );
});
