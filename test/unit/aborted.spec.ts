import { getEventListeners } from 'node:events';
import { describe, expect, it } from 'vitest';
import { aborted } from '../../lib/tokens/aborted.js';

/** What `aborted` says of a signal, from here on. */
function follow(signal: AbortSignal) {
  const seen: unknown[] = [];
  const subscription = aborted(signal).subscribe({
    next: () => seen.push('a value'),
    error: (reason: unknown) => seen.push(reason),
    complete: () => seen.push('the end'),
  });
  return { seen, subscription };
}
const listenersOf = (signal: AbortSignal) => getEventListeners(signal, 'abort').length;

describe('A signal as an Observable', () => {
  it('says nothing until it is aborted, then why, once', () => {
    const controller = new AbortController();
    const { seen } = follow(controller.signal);
    expect(seen).toEqual([]);
    controller.abort('the user left');
    controller.abort('again');
    expect(seen).toEqual(['the user left']);
    expect(listenersOf(controller.signal)).toBe(0);
  });

  it('says why at once if it is aborted already', () => {
    expect(follow(AbortSignal.abort('gone')).seen).toEqual(['gone']);
  });

  it('is not listened to for longer than somebody waits: it may live as long as the app', () => {
    const controller = new AbortController();
    const { seen, subscription } = follow(controller.signal);
    expect(listenersOf(controller.signal)).toBe(1);
    subscription.unsubscribe();
    expect(listenersOf(controller.signal)).toBe(0);
    controller.abort('later');
    expect(seen).toEqual([]);
  });
});
