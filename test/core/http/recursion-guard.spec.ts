import { describe, expect, it } from 'vitest';
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
