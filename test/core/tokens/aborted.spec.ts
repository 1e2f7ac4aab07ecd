import { getEventListeners, setMaxListeners } from 'node:events';
import { describe, expect, it } from 'vitest';
import { BoxAuth } from '../../../lib/box/box-auth.js';
import { aborted } from '../../../lib/core/tokens/aborted.js';
import { FakeRuntime, settled } from '../../support/fake-runtime.js';
import { ScriptedEndpoint, silence } from '../../support/scripted-endpoint.js';

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

  it('tells all who wait, those who come once it is aborted, too', () => {
    const controller = new AbortController();
    const { signal } = controller;
    const early = [follow(signal), follow(signal)];
    early.push(follow(signal));
    early[0]?.subscription.unsubscribe();
    controller.abort('gone');
    expect([...early, follow(signal)].map(({ seen }) => seen)).toEqual([
      [],
      ['gone'],
      ['gone'],
      ['gone'],
    ]);
  });

  it('has one listener, whoever waits, and a new one when somebody waits again', () => {
    const controller = new AbortController();
    const { signal } = controller;
    for (let round = 0; round < 2; round++) {
      const waiting = [follow(signal), follow(signal), follow(signal)];
      expect(listenersOf(signal)).toBe(1);
      for (const { subscription } of waiting) subscription.unsubscribe();
      expect(listenersOf(signal)).toBe(0);
    }
    const last = follow(signal);
    controller.abort('gone');
    expect(last.seen).toEqual(['gone']);
  });

  it('may be that of a thousand who wait for a token: Node warns of no leak', async () => {
    const warnings: Error[] = [];
    const warn = (warning: Error) => warnings.push(warning);
    process.on('warning', warn);
    try {
      const runtime = new FakeRuntime();
      const endpoint = new ScriptedEndpoint(runtime).script(silence);
      const { provider } = new BoxAuth({
        credentials: { clientId: 'client', clientSecret: 'secret', enterpriseId: '1' },
        fetch: endpoint.fetch,
        runtime,
      });
      const controller = new AbortController();
      const { signal } = controller;
      // Node's own limit, that of a signal that an app made, differs from version to version.
      setMaxListeners(10, signal);
      const reasons = Array.from({ length: 1_000 }, () =>
        provider.getToken({ signal }).catch((error: unknown) => error),
      );
      await settled();
      expect(listenersOf(signal)).toBe(1);
      controller.abort('gone');
      expect(new Set(await Promise.all(reasons))).toEqual(new Set(['gone']));
      await new Promise((resolve) => {
        setImmediate(resolve); // Node warns in a turn of its own
      });
      expect(warnings).toEqual([]);
    } finally {
      process.off('warning', warn);
    }
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
