import { getEventListeners, setMaxListeners } from 'node:events';
import { describe, expect, it } from 'vitest';
import { BoxAuth } from '../../../lib/box/box-auth.js';
import { onAbort, untilAborted } from '../../../lib/core/runtime/abort.js';
import { FakeRuntime, settled } from '../../support/fake-runtime.js';
import { ScriptedEndpoint, silence } from '../../support/scripted-endpoint.js';

/** A task that waits for the abort of `signal`, and how often it ran. */
function waitFor(signal: AbortSignal) {
  const task = { runs: 0, stop: (): void => undefined };
  task.stop = onAbort(signal, () => {
    task.runs += 1;
  });
  return task;
}
const listenersOf = (signal: AbortSignal) => getEventListeners(signal, 'abort').length;

describe('A task that waits for an abort', () => {
  it('runs once, when its signal is aborted', () => {
    const controller = new AbortController();
    const task = waitFor(controller.signal);
    expect(task.runs).toBe(0);
    controller.abort('the user left');
    controller.abort('again');
    expect(task.runs).toBe(1);
    expect(listenersOf(controller.signal)).toBe(0);
  });

  it('runs at once if its signal is already aborted', () => {
    expect(waitFor(AbortSignal.abort('gone')).runs).toBe(1);
  });

  it('runs for every waiting caller, also for a caller that comes after the abort', () => {
    const controller = new AbortController();
    const { signal } = controller;
    const tasks = [waitFor(signal), waitFor(signal), waitFor(signal)];
    tasks[0]?.stop();
    controller.abort('gone');
    expect([...tasks, waitFor(signal)].map(({ runs }) => runs)).toEqual([0, 1, 1, 1]);
  });

  it('shares one listener with all tasks of its signal, also after all of them stopped', () => {
    const controller = new AbortController();
    const { signal } = controller;
    for (let round = 0; round < 2; round++) {
      const tasks = [waitFor(signal), waitFor(signal), waitFor(signal)];
      expect(listenersOf(signal)).toBe(1);
      for (const { stop } of tasks) stop();
      expect(listenersOf(signal)).toBe(0);
    }
    const last = waitFor(signal);
    controller.abort('gone');
    expect(last.runs).toBe(1);
  });

  it('leaves no listener behind when it stops: a signal may live as long as the app', () => {
    const controller = new AbortController();
    const task = waitFor(controller.signal);
    expect(listenersOf(controller.signal)).toBe(1);
    task.stop();
    expect(listenersOf(controller.signal)).toBe(0);
    controller.abort('later');
    expect(task.runs).toBe(0);
  });
});

describe('Work until an abort', () => {
  it('gives its result, or its error', async () => {
    const { signal } = new AbortController();
    expect(await untilAborted(signal, Promise.resolve('done'))).toBe('done');
    await expect(untilAborted(signal, Promise.reject(new Error('no')))).rejects.toThrow('no');
    expect(await untilAborted(undefined, Promise.resolve('done'))).toBe('done');
    expect(listenersOf(signal)).toBe(0);
  });

  it('rejects with the reason of the abort', async () => {
    const controller = new AbortController();
    const work = untilAborted(controller.signal, new Promise<never>(() => undefined));
    controller.abort('gone');
    await expect(work).rejects.toBe('gone');
  });
});

it('A thousand callers with one signal cause no warning about listeners', async () => {
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
    // The default limit of a signal differs between versions of Node.
    setMaxListeners(10, signal);
    const reasons = Array.from({ length: 1_000 }, () =>
      provider.getToken({ signal }).catch((error: unknown) => error),
    );
    await settled();
    expect(listenersOf(signal)).toBe(1);
    controller.abort('gone');
    expect(new Set(await Promise.all(reasons))).toEqual(new Set(['gone']));
    await new Promise((resolve) => {
      setImmediate(resolve); // Node emits its warnings in a later tick
    });
    expect(warnings).toEqual([]);
  } finally {
    process.off('warning', warn);
  }
});
