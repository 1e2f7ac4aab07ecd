import { beforeEach, describe, expect, it } from 'vitest';
import { RejectionThrottle } from '../../../lib/core/tokens/rejection-throttle.js';
import { FakeRuntime, settled } from '../../support/fake-runtime.js';

const subject = {};

let runtime: FakeRuntime;
let pace: RejectionThrottle;
beforeEach(() => {
  runtime = new FakeRuntime();
  pace = new RejectionThrottle(1_000, runtime);
});

/** Watches whether `delay` has resolved. */
function watched(delay: Promise<void>): { isOver: boolean } {
  const watch = { isOver: false };
  void delay.then(() => {
    watch.isOver = true;
  });
  return watch;
}

/** How long the next rejection waits, in whole milliseconds. */
async function nextPause(of: object = subject): Promise<number> {
  const watch = watched(pace.delay(of, undefined));
  await settled();
  for (let ms = 0; ; ms++) {
    if (watch.isOver) return ms;
    if (ms > 1_000) throw new Error('the pause does not end');
    await runtime.advance(1);
  }
}

async function reject(times: number): Promise<void> {
  for (let time = 0; time < times; time++) await nextPause();
}

describe('The pace of rejections', () => {
  it('lets pending tasks of the event loop run before a rejection', async () => {
    const order: string[] = [];
    setImmediate(() => order.push('the event loop'));
    await pace.delay(subject, undefined);
    order.push('the rejection');
    expect(order).toEqual(['the event loop', 'the rejection']);
  });

  it('lets them run before a rejection even if the signal is aborted', async () => {
    const order: string[] = [];
    setImmediate(() => order.push('the event loop'));
    await pace.delay(subject, AbortSignal.abort());
    order.push('the rejection');
    expect(order).toEqual(['the event loop', 'the rejection']);
  });

  it('pauses from the eleventh rejection on, twice as long each time, up to 100 ms', async () => {
    const pauses: number[] = [];
    for (let time = 0; time < 20; time++) pauses.push(await nextPause());
    expect(pauses).toEqual([...Array(10).fill(0), 1, 2, 4, 8, 16, 32, 64, 100, 100, 100]);
    expect(runtime.timers).toBe(0);
  });

  it('pauses for no longer than minBackoffMs', async () => {
    pace = new RejectionThrottle(3, runtime);
    await reject(15);
    expect(await nextPause()).toBe(3);
  });

  it('never pauses if minBackoffMs is 0', async () => {
    pace = new RejectionThrottle(0, runtime);
    await reject(30);
    expect(await nextPause()).toBe(0);
  });

  it('starts over after a second without rejections', async () => {
    await reject(15);
    await runtime.advance(999);
    expect(await nextPause()).toBe(32);
    await runtime.advance(1_000);
    expect(await nextPause()).toBe(0);
  });

  it('counts each subject separately', async () => {
    await reject(15);
    expect(await nextPause({})).toBe(0);
  });

  it('counts simultaneous rejections once, and ends their pause with one timer', async () => {
    await Promise.all(Array.from({ length: 1_000 }, () => pace.delay(subject, undefined)));
    await reject(9);
    const watches = Array.from({ length: 1_000 }, () => watched(pace.delay(subject, undefined)));
    await settled();
    expect(runtime.timers).toBe(2); // the second timer keeps the process alive
    await runtime.advance(1);
    expect(watches.every(({ isOver }) => isOver)).toBe(true);
  });

  it('ends only the pause of the caller whose signal is aborted', async () => {
    await reject(19);
    const controller = new AbortController();
    const aborted = watched(pace.delay(subject, controller.signal));
    const other = watched(pace.delay(subject, new AbortController().signal));
    await settled();
    expect(aborted.isOver).toBe(false);
    controller.abort();
    await settled();
    expect([aborted.isOver, other.isOver]).toEqual([true, false]);
    await runtime.advance(100);
    expect(other.isOver).toBe(true);
  });

  it('ends all pauses on release, and leaves no timer', async () => {
    await reject(19);
    const watch = watched(pace.delay(subject, undefined));
    await settled();
    expect(watch.isOver).toBe(false);
    pace.release();
    await settled();
    expect(watch.isOver).toBe(true);
    expect(runtime.timers).toBe(0);
    expect(await nextPause()).toBe(100);
  });
});
