import { setImmediate as nextTick } from 'node:timers/promises';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { TickQueue } from '../../../lib/core/runtime/event-loop.js';

afterEach(() => {
  vi.doUnmock('node:timers');
  vi.restoreAllMocks();
  vi.resetModules();
});

describe('A tick queue', () => {
  it('starts the first task at once, and each further task in a tick of its own, in order', async () => {
    const queue = new TickQueue();
    const started: number[] = [];
    for (const number of [1, 2, 3]) queue.enqueue(() => started.push(number));
    expect(started).toEqual([1]);
    await nextTick();
    expect(started).toEqual([1, 2]);
    await nextTick();
    expect(started).toEqual([1, 2, 3]);
  });

  it('starts a task at once again when all others have started', async () => {
    const queue = new TickQueue();
    const started: number[] = [];
    queue.enqueue(() => started.push(1));
    await nextTick();
    queue.enqueue(() => started.push(2));
    expect(started).toEqual([1, 2]);
  });

  it('skips a cancelled task', async () => {
    const queue = new TickQueue();
    const started: number[] = [];
    queue.enqueue(() => started.push(1));
    const cancel = queue.enqueue(() => started.push(2));
    queue.enqueue(() => started.push(3));
    cancel();
    await nextTick();
    expect(started).toEqual([1, 3]);
  });

  it('starts all tasks in the end if fake timers stop the event loop', async () => {
    vi.doMock('node:timers', () => ({ setImmediate: () => undefined }));
    vi.resetModules();
    const loaded = await import('../../../lib/core/runtime/event-loop.js');
    const now = vi.spyOn(performance, 'now').mockReturnValue(0);
    const queue = new loaded.TickQueue();
    const started: number[] = [];
    for (const number of [1, 2]) queue.enqueue(() => started.push(number));
    expect(started).toEqual([1]);
    now.mockReturnValue(10_001);
    queue.enqueue(() => started.push(3));
    expect(started).toEqual([1, 2, 3]);
  });
});
