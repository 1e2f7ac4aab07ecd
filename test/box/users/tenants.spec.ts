import { beforeEach, describe, expect, it } from 'vitest';
import type { BoxUserQuery } from 'nestjs-box-auth';
import type { BoxAuth } from '../../../lib/box/box-auth.js';
import type { BoxUsers } from '../../../lib/box/users/box-users.js';
import { runInActingContext } from '../../../lib/core/acting/acting.context.js';
import { thrownBy } from '../../support/thrown.js';
import { json, OWN, ScriptedDirectory } from './scripted-directory.js';

const ANN = 'ann@example.com';

let directory: ScriptedDirectory;
let box: BoxAuth;
let users: BoxUsers;
let ids: Record<string, string>;
beforeEach(() => {
  directory = new ScriptedDirectory();
  ({ box, users } = directory.process({ tenants: ['2', '3'] }));
  ids = Object.fromEntries(
    [OWN, '2', '3'].map((enterprise) => [enterprise, directory.add({ enterprise, login: ANN })]),
  );
});

const enterprises = () => directory.calls.map(({ enterprise }) => enterprise);

describe('find in several enterprises', () => {
  it('searches the enterprise of the query', async () => {
    expect(await users.find({ enterprise: '2', login: ANN })).toBe(ids['2']);
    expect(await users.find({ enterprise: '3', login: ANN })).toBe(ids['3']);
    expect(enterprises()).toEqual(['2', '3']);
  });

  it('searches the current enterprise by default', async () => {
    const find = () => users.find({ login: ANN });
    expect(await box.provider.runFor({ enterprise: '2' }, find)).toBe(ids['2']);
    expect(await runInActingContext({ enterprise: '3' }, find)).toBe(ids['3']);
    expect(await find()).toBe(ids[OWN]);
  });

  it('prefers the enterprise of the query to the current one', async () => {
    const find = () => users.find({ enterprise: '3', login: ANN });
    expect(await box.provider.runFor({ enterprise: '2' }, find)).toBe(ids['3']);
  });

  it('remembers each enterprise apart', async () => {
    for (const enterprise of ['2', '3', '2', '3']) {
      expect(await users.find({ enterprise, login: ANN })).toBe(ids[enterprise]);
    }
    expect(enterprises()).toEqual(['2', '3']);
    users.forget({ enterprise: '2', login: ANN });
    await box.provider.runFor({ enterprise: '3' }, () => users.find({ login: ANN }));
    await box.provider.runFor({ enterprise: '2' }, () => users.find({ login: ANN }));
    expect(enterprises()).toEqual(['2', '3', '2']);
  });

  it('acts as the service account of the enterprise', async () => {
    await box.provider.runFor({ enterprise: '2', user: '11111' }, () => users.find({ login: ANN }));
    await runInActingContext({ enterprise: '3', user: { id: '11111', via: 'token' } }, () =>
      users.find({ login: ANN }),
    );
    expect(directory.calls).toMatchObject([
      { enterprise: '2', actingUser: null },
      { enterprise: '3', actingUser: null },
    ]);
  });

  it('knows the own enterprise by its id and without it', async () => {
    ({ box, users } = directory.process({ tenants: [OWN] }));
    expect(await users.find({ login: ANN })).toBe(ids[OWN]);
    expect(await users.find({ enterprise: OWN, login: ANN })).toBe(ids[OWN]);
    expect(directory.calls).toHaveLength(1);
  });

  it('names the enterprise in errors', async () => {
    directory.intercept = () => json(403, { code: 'access_denied_insufficient_permissions' });
    expect(await thrownBy(() => users.find({ enterprise: '2', login: ANN }))).toMatchObject({
      code: 'access_denied',
      enterprise: '2',
    });
  });
});

describe('findOrCreate in several enterprises', () => {
  it('creates one user in each', async () => {
    const create = (enterprise: string) =>
      users.findOrCreate({ enterprise, externalAppUserId: 'e1', name: 'Carol' });
    const [second, third] = await Promise.all([create('2'), create('3'), create('2')]);
    expect(directory.users.slice(3)).toMatchObject(
      expect.arrayContaining([
        expect.objectContaining({ id: second, enterprise: '2' }),
        expect.objectContaining({ id: third, enterprise: '3' }),
      ]),
    );
    expect(directory.users).toHaveLength(5);
  });
});

describe('An enterprise that is not a tenant', () => {
  it.each<[string, BoxUserQuery, string]>([
    ['unknown', { enterprise: '9', login: ANN }, 'enterprise_not_allowed'],
    [
      'the own one, if it is not among the tenants',
      { enterprise: OWN, login: ANN },
      'enterprise_not_allowed',
    ],
    ['no id', { enterprise: 'acme', login: ANN }, 'enterprise_not_allowed'],
    ['undefined', { enterprise: undefined, login: ANN } as never, 'enterprise_missing'],
  ])('is refused before any request: %s', async (_, query, code) => {
    await users.find({ login: ANN });
    directory.calls.splice(0);
    expect((await thrownBy(() => users.find(query))).code).toBe(code);
    expect(directory.calls).toEqual([]);
  });

  it('is refused although its users are remembered', async () => {
    const served = new Set(['2']);
    ({ box, users } = directory.process({ tenants: (id) => served.has(id) }));
    await users.find({ enterprise: '2', login: ANN });
    served.clear();
    const error = await thrownBy(() => users.find({ enterprise: '2', login: ANN }));
    expect(error.code).toBe('enterprise_not_allowed');
  });

  it('is refused to apps without tenants, except for the own one', async () => {
    ({ box, users } = directory.process());
    const error = await thrownBy(() => users.find({ enterprise: '2', login: ANN }));
    expect(error.code).toBe('enterprise_not_allowed');
    expect(await users.find({ enterprise: OWN, login: ANN })).toBe(ids[OWN]);
  });

  it('must be named if tenantRequired is true', async () => {
    ({ box, users } = directory.process({ tenants: ['2'], tenantRequired: true }));
    expect((await thrownBy(() => users.find({ login: ANN }))).code).toBe('enterprise_missing');
    expect(await users.find({ enterprise: '2', login: ANN })).toBe(ids['2']);
  });
});

it('A function `tenants` is asked once for each request', async () => {
  const asked: string[] = [];
  const tenants = (id: string) => asked.push(id) > 0;
  ({ box, users } = directory.process({ tenants }));
  await box.provider.runFor({ enterprise: '2' }, async () => {
    await users.find({ login: ANN });
    await users.findOrCreate({ externalAppUserId: 'e1', name: 'Carol' });
    await users.find({ enterprise: '3', login: ANN });
    await users.find({ enterprise: '3', login: ANN });
  });
  expect(asked).toEqual(['2', '3']);
});
