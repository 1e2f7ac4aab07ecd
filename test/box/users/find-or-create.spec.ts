import { beforeEach, describe, expect, it } from 'vitest';
import type { NewBoxUser } from 'nestjs-box-auth';
import type { BoxUsers } from '../../../lib/box/users/box-users.js';
import { deferred } from '../../support/deferred.js';
import { settled } from '../../support/fake-runtime.js';
import { thrownBy } from '../../support/thrown.js';
import { conflict, json, ScriptedDirectory, type UsersCall } from './scripted-directory.js';

const CAROL = { externalAppUserId: 'e1', name: 'Carol' };
const E1 = { externalAppUserId: 'e1' };

let directory: ScriptedDirectory;
let users: BoxUsers;
beforeEach(() => {
  directory = new ScriptedDirectory();
  ({ users } = directory.process());
});

const found = (id: string) => () =>
  json(200, { entries: [{ id, external_app_user_id: 'e1', created_at: '' }] });
const broken = () => {
  throw new TypeError('fetch failed', {
    cause: Object.assign(new Error(), { code: 'ECONNRESET' }),
  });
};
const pass = (_: UsersCall, respond: () => Response) => respond();

describe('findOrCreate', () => {
  it('creates an app user', async () => {
    const id = await users.findOrCreate(CAROL);
    expect(directory.users).toMatchObject([{ id, externalId: 'e1', name: 'Carol' }]);
    expect(directory.methods).toEqual(['GET', 'POST', 'GET']);
    expect(directory.calls[1]?.body).toEqual({
      name: 'Carol',
      is_platform_access_only: true,
      external_app_user_id: 'e1',
    });
  });

  it('remembers the new user for find', async () => {
    expect(await users.find(E1)).toBeUndefined();
    const id = await users.findOrCreate(CAROL);
    expect(await users.findOrCreate({ ...CAROL, name: 'Another name' })).toBe(id);
    expect(await users.find(E1)).toBe(id);
    expect(directory.methods).toEqual(['GET', 'GET', 'POST', 'GET']);
  });

  it('finds a user that another process has created', async () => {
    expect(await users.find(E1)).toBeUndefined();
    const id = directory.add({ externalId: 'e1' });
    expect(await users.findOrCreate(CAROL)).toBe(id);
    expect(directory.methods).toEqual(['GET', 'GET']);
  });

  it('creates one user for concurrent calls, whose name is that of the first', async () => {
    const ids = await Promise.all(
      ['Carol', 'Caroline', 'Carla'].map((name) => users.findOrCreate({ ...CAROL, name })),
    );
    expect(new Set(ids).size).toBe(1);
    expect(directory.users).toMatchObject([{ name: 'Carol' }]);
    expect(directory.methods).toEqual(['GET', 'POST', 'GET']);
  });

  it('creates users with different external ids concurrently', async () => {
    const ids = await Promise.all(
      ['e1', 'e2'].map((externalAppUserId) => users.findOrCreate({ ...CAROL, externalAppUserId })),
    );
    expect(new Set(ids).size).toBe(2);
  });

  it('is not ended by the signal of one caller', async () => {
    const { promise, resolve } = deferred();
    directory.intercept = (_, respond) => promise.then(respond);
    const controller = new AbortController();
    const first = users.findOrCreate({ ...CAROL, signal: controller.signal });
    const second = users.findOrCreate(CAROL);
    await settled();
    controller.abort(new Error('gone'));
    await expect(first).rejects.toThrow('gone');
    resolve();
    expect(await second).toBe(directory.users[0]?.id);
    expect(directory.users).toHaveLength(1);
  });

  it.each<[string, unknown]>([
    ['nothing', undefined],
    ['no name', E1],
    ['a blank name', { ...E1, name: ' ' }],
    ['a name that is no string', { ...E1, name: 7 }],
    ['no external id', { name: 'Carol' }],
    ['a blank external id', { name: 'Carol', externalAppUserId: '' }],
    ['a login', { ...CAROL, login: 'carol@example.com' }],
  ])('rejects %s without a request', async (_, user) => {
    const error = await thrownBy(() => users.findOrCreate(user as NewBoxUser));
    expect(error.code).toBe('option_invalid');
    expect(error.message).toMatch(/ of findOrCreate[.:]/);
    expect(directory.calls).toEqual([]);
  });
});

describe('A user that another process creates at the same time', () => {
  it('is returned after a conflict', async () => {
    const other = directory.process().users;
    const ids: string[] = [];
    directory.script(pass, async (_, respond) => {
      ids.push(await other.findOrCreate(CAROL));
      return respond();
    });
    ids.push(await users.findOrCreate(CAROL));
    expect(new Set(ids).size).toBe(1);
    expect(directory.users).toHaveLength(1);
    expect(await users.find(E1)).toBe(ids[0]);
  });

  it('fails with the conflict if it cannot be found, and is not remembered', async () => {
    directory.script(pass, conflict);
    const error = await thrownBy(() => users.findOrCreate(CAROL));
    expect(error).toMatchObject({ code: 'request_refused', status: 409 });
    expect(error.message).toContain('An app user already exists for this external_app_user_id');
    const id = await users.findOrCreate(CAROL);
    expect(directory.users.map((user) => user.id)).toEqual([id]);
  });

  it('is the one that was created first, if Box creates both', async () => {
    directory.isUnique = false;
    const { users: other } = directory.process();
    const ids: string[] = [];
    directory.script(pass, async (_, respond) => {
      ids.push(await other.findOrCreate(CAROL));
      await directory.runtime.advance(1_000);
      return respond();
    });
    ids.push(await users.findOrCreate(CAROL));
    expect(directory.users).toHaveLength(2);
    expect(ids).toEqual([directory.users[0]?.id, directory.users[0]?.id]);
  });

  it('is returned although the list does not contain it yet', async () => {
    directory.script(pass, pass, () => json(200, { entries: [] }));
    expect(await users.findOrCreate(CAROL)).toBe(directory.users[0]?.id);
  });
});

describe('A creation whose response is lost', () => {
  it.each<[string, (call: UsersCall, respond: () => Response) => Response]>([
    ['connection breaks', broken],
    ['response is a 503', () => json(503, {})],
    ['response is not from Box', () => new Response('<html>')],
  ])('returns the user if Box has created it and the %s', async (_, lose) => {
    directory.script(pass, (call, respond) => {
      respond();
      return lose(call, respond);
    });
    expect(await users.findOrCreate(CAROL)).toBe(directory.users[0]?.id);
    expect(directory.methods).toEqual(['GET', 'POST', 'GET']);
  });

  it('fails with the first error if Box has not created the user', async () => {
    directory.script(pass, broken);
    expect((await thrownBy(() => users.findOrCreate(CAROL))).code).toBe('network');
    expect(directory.users).toEqual([]);
    expect(directory.methods).toEqual(['GET', 'POST', 'GET']);
  });

  it.each([
    ['rate_limited', 429],
    ['request_refused', 400],
    ['access_denied', 403],
  ])('fails with %s without another request if Box refuses it', async (code, status) => {
    directory.script(pass, () => json(status, { code: 'access_denied_insufficient_permissions' }));
    expect((await thrownBy(() => users.findOrCreate(CAROL))).code).toBe(code);
    expect(directory.methods).toEqual(['GET', 'POST']);
  });
});

it('A lookup during a creation does not make the new user unknown', async () => {
  const post = deferred();
  const lookup = deferred();
  directory.script(
    pass,
    (_, respond) => post.promise.then(respond),
    async (_, respond) => {
      const early = respond();
      await lookup.promise;
      return early;
    },
  );
  const creation = users.findOrCreate(CAROL);
  await settled();
  users.forget(E1); // the first lookup was remembered
  const missed = users.find(E1);
  await settled();
  post.resolve();
  const id = await creation;
  lookup.resolve();
  expect(await missed).toBeUndefined();
  expect(await users.find(E1)).toBe(id);
  expect(directory.methods).toEqual(['GET', 'POST', 'GET', 'GET']);
});

it('No user is created if the lookup fails or finds one', async () => {
  directory.script(() => json(503, {}));
  expect((await thrownBy(() => users.findOrCreate(CAROL))).code).toBe('unavailable');
  expect(directory.methods).toEqual(['GET']);
  directory.script(found('77'));
  expect(await users.findOrCreate(CAROL)).toBe('77');
  expect(directory.methods).toEqual(['GET', 'GET']);
});
