import { AsyncLocalStorage } from 'node:async_hooks';
import { beforeEach, describe, expect, it } from 'vitest';
import type { BoxUsers } from '../../../lib/box/users/box-users.js';
import { deferred } from '../../support/deferred.js';
import { settled } from '../../support/fake-runtime.js';
import { thrownBy } from '../../support/thrown.js';
import { json, ScriptedDirectory } from './scripted-directory.js';

const HOUR_MS = 3_600_000;
const ANN = { login: 'ann@example.com' };

let directory: ScriptedDirectory;
let users: BoxUsers;
beforeEach(() => {
  directory = new ScriptedDirectory();
  ({ users } = directory.process());
});

describe('An id that was found', () => {
  let id: string;
  beforeEach(async () => {
    id = directory.add(ANN);
    await users.find(ANN);
    directory.users.splice(0);
  });

  it('is remembered for an hour', async () => {
    await directory.runtime.advance(HOUR_MS - 1);
    expect(await users.find({ login: 'Ann@Example.com' })).toBe(id);
    expect(directory.calls).toHaveLength(1);
    await directory.runtime.advance(1);
    expect(await users.find(ANN)).toBeUndefined();
    expect(directory.calls).toHaveLength(2);
  });

  it('gets older while the machine sleeps, and not younger if its clock is set back', async () => {
    directory.runtime.jump(-2 * HOUR_MS);
    expect(await users.find(ANN)).toBe(id);
    directory.runtime.jump(2 * HOUR_MS);
    directory.runtime.sleep(HOUR_MS);
    expect(await users.find(ANN)).toBeUndefined();
  });

  it('is forgotten by forget, and no other id', async () => {
    directory.add({ externalId: 'e1' });
    await users.find({ externalAppUserId: 'e1' });
    users.forget({ login: 'ANN@example.com' });
    expect(await users.find(ANN)).toBeUndefined();
    await users.find({ externalAppUserId: 'e1' });
    expect(directory.calls).toHaveLength(3);
  });
});

describe('A user that does not exist', () => {
  it('is remembered for 30 s', async () => {
    expect(await users.find(ANN)).toBeUndefined();
    const id = directory.add(ANN);
    await directory.runtime.advance(29_999);
    expect(await users.find(ANN)).toBeUndefined();
    expect(directory.calls).toHaveLength(1);
    await directory.runtime.advance(1);
    expect(await users.find(ANN)).toBe(id);
  });

  it('is found at once after forget', async () => {
    await users.find(ANN);
    const id = directory.add(ANN);
    users.forget(ANN);
    expect(await users.find(ANN)).toBe(id);
  });
});

it('An error is not remembered', async () => {
  const id = directory.add(ANN);
  directory.script(() => json(503, {}));
  expect((await thrownBy(() => users.find(ANN))).code).toBe('unavailable');
  expect(await users.find(ANN)).toBe(id);
});

it('A login and an equal external id are different users', async () => {
  const id = directory.add(ANN);
  const other = directory.add({ externalId: ANN.login });
  expect(await users.find(ANN)).toBe(id);
  expect(await users.find({ externalAppUserId: ANN.login })).toBe(other);
});

describe('Concurrent calls of find', () => {
  it('share one request for the same user', async () => {
    const id = directory.add(ANN);
    const ids = await Promise.all(
      Array.from({ length: 100 }, (_, n) =>
        users.find(n % 2 === 0 ? ANN : { login: 'ANN@EXAMPLE.com' }),
      ),
    );
    expect(new Set(ids)).toEqual(new Set([id]));
    expect(directory.calls).toHaveLength(1);
  });

  it('share one error, after which the next call asks again', async () => {
    const id = directory.add(ANN);
    directory.script(() => json(503, {}));
    const errors = await Promise.all([1, 2].map(() => thrownBy(() => users.find(ANN))));
    expect(errors.map(({ code }) => code)).toEqual(['unavailable', 'unavailable']);
    expect(directory.calls).toHaveLength(1);
    expect(await users.find(ANN)).toBe(id);
  });

  it('are not ended by the signal of one caller', async () => {
    const id = directory.add(ANN);
    const { promise, resolve } = deferred();
    directory.intercept = (_, respond) => promise.then(respond);
    const controller = new AbortController();
    const first = users.find({ ...ANN, signal: controller.signal });
    const second = users.find(ANN);
    await settled();
    controller.abort(new Error('gone'));
    await expect(first).rejects.toThrow('gone');
    expect(directory.calls[0]?.signal?.aborted).toBe(false);
    resolve();
    expect(await second).toBe(id);
    expect(directory.calls).toHaveLength(1);
  });

  it('remember the result of a request whose only caller has aborted', async () => {
    const id = directory.add(ANN);
    const controller = new AbortController();
    const found = users.find({ ...ANN, signal: controller.signal });
    controller.abort(new Error('gone'));
    await expect(found).rejects.toThrow('gone');
    await settled();
    expect(await users.find(ANN)).toBe(id);
    expect(directory.calls.length).toBeLessThanOrEqual(1);
  });

  it('do not call Box for a caller that has aborted before', async () => {
    const query = { ...ANN, signal: AbortSignal.abort(new Error('gone')) };
    await expect(users.find(query)).rejects.toThrow('gone');
    await settled();
    expect(directory.calls).toEqual([]);
    await users.find(ANN);
    await expect(users.find(query)).rejects.toThrow('gone');
  });

  it('run outside of the async context of the first caller', async () => {
    const storage = new AsyncLocalStorage<string>();
    const seen: unknown[] = [];
    directory.intercept = (_, respond) => {
      seen.push(storage.getStore());
      return respond();
    };
    await storage.run('first caller', () => users.find(ANN));
    expect(seen).toEqual([undefined]);
  });
});

describe('forget during a request', () => {
  it('keeps an outdated result from being remembered', async () => {
    directory.add(ANN);
    const { promise, resolve } = deferred();
    directory.script(async (_, respond) => {
      const outdated = respond();
      await promise;
      return outdated;
    });
    const before = users.find(ANN);
    await settled();
    const [{ id: oldId } = { id: '' }] = directory.users.splice(0);
    const id = directory.add(ANN);
    users.forget(ANN);
    const after = users.find(ANN);
    resolve();
    expect(await before).toBe(oldId);
    expect(await after).toBe(id);
    expect(await users.find(ANN)).toBe(id);
    expect(directory.calls).toHaveLength(2);
  });
});
