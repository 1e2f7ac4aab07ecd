import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { TickQueue } from '../../../lib/core/runtime/tick-queue.js';

afterEach(() => {
  vi.doUnmock('node:timers');
  vi.restoreAllMocks();
  vi.resetModules();
});

describe('A pace', () => {
  it('lets the first begin at once, and each of the others in a turn of its own, in order', async () => {
    const pace = new TickQueue();
    const begun: number[] = [];
    for (const number of [1, 2, 3]) pace.enqueue(() => begun.push(number));
    expect(begun).toEqual([1]);
    await nextTurn();
    expect(begun).toEqual([1, 2]);
    await nextTurn();
    expect(begun).toEqual([1, 2, 3]);
  });

  it('lets one begin at once again when all have begun', async () => {
    const pace = new TickQueue();
    const begun: number[] = [];
    pace.enqueue(() => begun.push(1));
    await nextTurn();
    pace.enqueue(() => begun.push(2));
    expect(begun).toEqual([1, 2]);
  });

  it('passes over who no longer waits', async () => {
    const pace = new TickQueue();
    const begun: number[] = [];
    pace.enqueue(() => begun.push(1));
    const giveUp = pace.enqueue(() => begun.push(2));
    pace.enqueue(() => begun.push(3));
    giveUp();
    await nextTurn();
    expect(begun).toEqual([1, 3]);
  });

  it('lets all begin at last where somebody keeps the turns to themselves', async () => {
    vi.doMock('node:timers', () => ({ setImmediate: () => undefined }));
    vi.resetModules();
    const loaded = await import('../../../lib/core/runtime/tick-queue.js');
    const now = vi.spyOn(performance, 'now').mockReturnValue(0);
    const pace = new loaded.TickQueue();
    const begun: number[] = [];
    for (const number of [1, 2]) pace.enqueue(() => begun.push(number));
    expect(begun).toEqual([1]);
    now.mockReturnValue(10_001);
    pace.enqueue(() => begun.push(3));
    expect(begun).toEqual([1, 2, 3]);
  });
});
