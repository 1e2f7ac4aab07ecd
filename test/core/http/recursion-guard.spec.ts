import { AsyncLocalStorage } from 'node:async_hooks';
import { describe, expect, it, vi } from 'vitest';
import { RecursionGuard } from '../../../lib/core/http/recursion-guard.js';
import { thrownBy } from '../../support/thrown.js';

const respond = () => Promise.resolve(new Response());

describe('A guarded fetch', () => {
  it('fails if its calls are nested without an end', async () => {
    let calls = 0;
    const send: () => Promise<Response> = new RecursionGuard().wrap(async () => {
      calls += 1;
      return send();
    });
    expect((await thrownBy(send)).code).toBe('option_invalid');
    expect(calls).toBeLessThan(20);
  });

  it('fails if it and another function of the app are nested without an end', async () => {
    const guard = new RecursionGuard();
    const first: () => Promise<Response> = guard.wrap(() => second());
    const second: () => Promise<Response> = guard.wrap(() => first());
    expect((await thrownBy(first)).code).toBe('option_invalid');
  });

  it('shares one storage with all apps: each one slows every asynchronous operation', async () => {
    const run = vi.spyOn(AsyncLocalStorage.prototype, 'run');
    await new RecursionGuard().wrap(respond)();
    await new RecursionGuard().wrap(respond)();
    const storages = run.mock.contexts;
    run.mockRestore();
    expect(storages).toHaveLength(2);
    expect(storages[0]).toBe(storages[1]);
  });

  it('counts the calls of each app on their own', async () => {
    const nested = Array.from({ length: 20 }).reduce<() => Promise<Response>>(
      (inner) => new RecursionGuard().wrap(inner),
      respond,
    );
    expect((await nested()).status).toBe(200);
  });

  it('allows a few nested calls', async () => {
    const guard = new RecursionGuard();
    const inner = guard.wrap(respond);
    const outer = guard.wrap(() => guard.wrap(() => guard.wrap(inner)())());
    expect((await outer()).status).toBe(200);
  });

  it('allows any number of calls at a time', async () => {
    const guard = new RecursionGuard();
    const inner = guard.wrap(respond);
    const outer = guard.wrap(async () => {
      await Promise.all(Array.from({ length: 100 }, inner));
      return inner();
    });
    await expect(Promise.all(Array.from({ length: 100 }, outer))).resolves.toHaveLength(100);
  });

  it('allows any number of calls that each begin in the context of the former one, which has ended', async () => {
    const chain = new Promise<number>((resolve, reject) => {
      let calls = 0;
      const send = new RecursionGuard().wrap(() => {
        calls += 1;
        setImmediate(() => {
          if (calls === 100) resolve(calls);
          else send().catch(reject);
        });
        return respond();
      });
      send().catch(reject);
    });
    await expect(chain).resolves.toBe(100);
  });
});
