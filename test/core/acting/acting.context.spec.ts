import { AsyncLocalStorage, AsyncResource } from 'node:async_hooks';
import { inspect } from 'node:util';
import { afterEach, describe, expect, it, vi } from 'vitest';
import {
  contextForApp,
  currentActing,
  currentActingUser,
  lastActing,
  runInActingContext,
  runInContext,
} from '../../../lib/core/acting/acting.context.js';

const ALICE = { id: '11111', via: 'header' } as const;
const BOB = { id: '22222', via: 'token' } as const;
const [here, there] = [{}, {}];

afterEach(() => vi.resetModules());

/** What the async context hangs onto a resource that is made in it: on Node 20 under a symbol. */
function storesOf(resource: object): unknown[] {
  return Object.getOwnPropertySymbols(resource).map((symbol): unknown =>
    Reflect.get(resource, symbol),
  );
}

describe('The acting user', () => {
  it('is set for every app by a decorator', () => {
    runInActingContext({ user: ALICE }, () => {
      expect([currentActingUser(here), currentActingUser(there), currentActingUser()]).toEqual([
        ALICE,
        ALICE,
        ALICE,
      ]);
    });
  });

  it('of one app overrides a decorator, also with the service account', () => {
    runInActingContext({ user: ALICE }, () => {
      runInContext(contextForApp(here, { user: BOB }), () => {
        expect([currentActingUser(here), currentActingUser(there)]).toEqual([BOB, ALICE]);
        runInContext(contextForApp(here, {}), () => {
          expect([currentActingUser(here), currentActingUser(there)]).toEqual([undefined, ALICE]);
        });
      });
    });
  });

  it('of a decorator overrides an outer decision for one app', () => {
    runInContext(contextForApp(here, { user: BOB }), () =>
      runInActingContext({}, () => {
        expect([currentActingUser(here), currentActingUser(there)]).toEqual([undefined, undefined]);
      }),
    );
  });

  it('of another app is used by an app without a decision, and is not removed by a service account', () => {
    runInContext(contextForApp(here, { user: ALICE }), () =>
      runInContext(contextForApp(here, {}), () => {
        expect([currentActingUser(here), currentActingUser(there)]).toEqual([undefined, ALICE]);
      }),
    );
  });

  it('is undefined outside of any context', () => {
    expect([currentActing(), currentActing(here)]).toEqual([undefined, undefined]);
  });
});

describe('The async context', () => {
  it('shows nothing on objects that are created in it', () => {
    const context = contextForApp(here, { user: ALICE, source: { secret: 'x' } });
    const resource = runInContext(context, () => new AsyncResource('test'));
    for (const value of [context, resource, ...storesOf(resource)]) {
      const shown = inspect(value, { showHidden: true, depth: 8, getters: true });
      expect(shown + JSON.stringify(value)).not.toMatch(/11111|secret|header/);
    }
    expect(Reflect.ownKeys(context)).toEqual([]);
    expect(Object.isFrozen(context)).toBe(true);
  });

  it('shows nothing on the store of another AsyncLocalStorage', () => {
    const other = new AsyncLocalStorage<string>();
    const resource = runInContext(contextForApp(here, { user: ALICE }), () =>
      other.run('mine', () => new AsyncResource('test')),
    );
    expect(inspect(resource, { showHidden: true, depth: 8, getters: true })).not.toContain('11111');
  });

  it('is shared by all copies of the package in a process', async () => {
    vi.resetModules();
    const copy = await import('../../../lib/core/acting/acting.context.js');
    expect(copy.runInContext).not.toBe(runInContext);
    runInContext(contextForApp(here, { user: ALICE }), () => {
      expect(copy.currentActingUser(here)).toEqual(ALICE);
      copy.runInContext(copy.contextForApp(there, { user: BOB }), () => {
        expect([currentActingUser(here), currentActingUser(there)]).toEqual([ALICE, BOB]);
      });
    });
  });
});

describe('The last decision', () => {
  it('is that of the innermost call, for every app or for one', () => {
    expect(lastActing()).toBeUndefined();
    runInActingContext({ enterprise: '1' }, () => {
      expect(lastActing()).toEqual({ enterprise: '1' });
      runInContext(contextForApp(here, { enterprise: '2' }), () => {
        expect(lastActing()).toEqual({ enterprise: '2' });
        expect(currentActing(here)).toEqual({ enterprise: '2' });
        expect(currentActing(there)).toEqual({ enterprise: '1' });
        runInActingContext({ enterprise: '3' }, () => {
          expect(lastActing()).toEqual({ enterprise: '3' });
        });
      });
    });
  });

  it('for an enterprise is followed by apps without a decision of their own', () => {
    runInContext(contextForApp(here, { enterprise: '2' }), () => {
      expect(currentActing(there)).toEqual({ enterprise: '2' });
      runInContext(contextForApp(here, {}), () => {
        expect([currentActing(here), currentActing(there)]).toEqual([{}, { enterprise: '2' }]);
      });
    });
  });
});
