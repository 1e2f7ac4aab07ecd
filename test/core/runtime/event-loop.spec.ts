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

describe('The next tick of a tick queue', () => {
  it('comes once for each task, in order', async () => {
    const queue = new TickQueue();
    const started: number[] = [];
    const all = [1, 2].map(async (number) => {
      await queue.next();
      started.push(number);
    });
    await all[0];
    expect(started).toEqual([1]);
    await all[1];
    expect(started).toEqual([1, 2]);
  });

  it('does not come for a task that is aborted, before or while it waits', async () => {
    const queue = new TickQueue();
    const controller = new AbortController();
    const first = queue.next();
    const aborted = queue.next(controller.signal);
    const last = queue.next();
    controller.abort(new Error('the reason'));
    await expect(aborted).rejects.toThrow('the reason');
    await expect(queue.next(controller.signal)).rejects.toThrow('the reason');
    await first;
    await nextTick();
    await last;
  });
});
