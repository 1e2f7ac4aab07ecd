import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { BoxUserQuery } from 'nestjs-box-auth';
import { BoxEmulator } from 'nestjs-box-auth/testing';
import { BoxAuth } from '../../../lib/box/box-auth.js';
import { BoxUsers } from '../../../lib/box/users/box-users.js';
import { settled } from '../../support/fake-runtime.js';
import { thrownBy } from '../../support/thrown.js';
import { json, ScriptedDirectory } from './scripted-directory.js';

describe('find at the emulator', () => {
  let emulator: BoxEmulator;
  let box: BoxAuth;
  let users: BoxUsers;
  beforeAll(async () => {
    emulator = await BoxEmulator.start({
      users: [
        { id: '11111', name: 'Alice', login: 'alice@example.com' },
        { id: '11112', name: 'Alice in Ukraine', login: 'alice@example.com.ua' },
        { id: '11113', name: 'alice@example.com', login: 'impostor@example.com' },
        { id: '22222', name: 'Bob', login: 'bob+box@example.com' },
      ],
    });
  });
  beforeEach(() => {
    emulator.clearRequests();
    box = new BoxAuth({ credentials: { config: emulator.config }, apiUrl: emulator.url });
    users = new BoxUsers(() => box);
  });
  afterEach(() => box.close());
  afterAll(() => emulator.stop());

  it.each([
    ['alice@example.com', '11111'],
    ['Alice@EXAMPLE.com', '11111'],
    ['alice@example.com.ua', '11112'],
    ['bob+box@example.com', '22222'],
    ['alice@example.co', undefined],
    ['ali@example.com', undefined],
  ])('returns the user with exactly the login %s', async (login, id) => {
    expect(await users.find({ login })).toBe(id);
  });

  it('returns the app user with an external id', async () => {
    const id = await users.findOrCreate({ externalAppUserId: 'crm/7 & co', name: 'Carol' });
    const other = new BoxUsers(() => box);
    expect(await other.find({ externalAppUserId: 'crm/7 & co' })).toBe(id);
    expect(await other.find({ externalAppUserId: 'crm/7' })).toBeUndefined();
    const response = await box.fetch(`/2.0/users/${id}?fields=name,is_platform_access_only`);
    expect(await response.json()).toMatchObject({ name: 'Carol', is_platform_access_only: true });
  });

  it('acts as the service account, also inside runAs', async () => {
    await box.provider.runAs('22222', () => users.find({ login: 'alice@example.com' }));
    await box.provider.runAs('22222', () =>
      users.findOrCreate({ externalAppUserId: 'acting', name: 'Carol' }),
    );
    expect(emulator.apiRequests.map(({ method, actingUser }) => [method, actingUser])).toEqual(
      ['GET', 'GET', 'POST', 'GET'].map((method) => [method, undefined]),
    );
  });

  it('reports why Box refuses the call', async () => {
    emulator.failNext('api', { kind: 'status', status: 503 });
    const error = await thrownBy(() => users.find({ login: 'alice@example.com' }));
    expect(error).toMatchObject({ code: 'unavailable', status: 503, retryable: true });
    expect(await users.find({ login: 'alice@example.com' })).toBe('11111');
  });

  it('replaces a token that Box has revoked', async () => {
    await box.provider.getToken();
    emulator.revokeAllTokens();
    expect(await users.find({ login: 'alice@example.com' })).toBe('11111');
  });
});

describe('find', () => {
  let directory: ScriptedDirectory;
  let box: BoxAuth;
  let users: BoxUsers;
  beforeEach(() => {
    directory = new ScriptedDirectory();
    ({ box, users } = directory.process());
  });

  it('reads all pages of logins and names that begin with the login', async () => {
    for (let n = 0; n < 5; n++) directory.add({ login: `ann@example.com.${n}` });
    const id = directory.add({ login: 'Ann@Example.com' });
    directory.add({ login: 'ann@example.community' });
    expect(await users.find({ login: 'ann@example.com' })).toBe(id);
    expect(Object.fromEntries(directory.calls[0]?.query ?? [])).toEqual({
      filter_term: 'ann@example.com',
      user_type: 'managed',
      fields: 'login,created_at',
      limit: '50',
      usemarker: 'true',
    });
    const [first, ...others] = directory.calls.map(({ query }) => query);
    expect(others.map((query) => query.get('marker'))).toEqual(['2', '4', '6']);
    for (const query of others) {
      query.delete('marker');
      expect(String(query)).toBe(String(first));
    }
  });

  it('asks Box for an external id as documented', async () => {
    const id = directory.add({ externalId: 'e 1' });
    expect(await users.find({ externalAppUserId: 'e 1' })).toBe(id);
    expect(directory.calls.map(({ query }) => Object.fromEntries(query))).toEqual([
      { external_app_user_id: 'e 1', fields: 'external_app_user_id,created_at' },
    ]);
  });

  it('does not take a letter outside ASCII for a letter of the login', async () => {
    directory.add({ login: 'kim@example.com' });
    directory.script(() =>
      json(200, { entries: [{ id: '7', login: 'kim@example.com' }], next_marker: null }),
    );
    expect(await users.find({ login: '\u212Aim@example.com' })).toBeUndefined();
  });

  it('does not take another external id for the one in the query', async () => {
    directory.script(() => json(200, { entries: [{ id: '7', external_app_user_id: 'E1' }] }));
    expect(await users.find({ externalAppUserId: 'e1' })).toBeUndefined();
  });

  it.each([
    [
      'the oldest',
      [
        ['30', '2024-01-03T00:00:00Z'],
        ['20', '2024-01-01T10:00:00+02:00'],
        ['10', '2024-01-01T09:00:00Z'],
      ],
      '20',
    ],
    [
      'of equally old ones the one with the lowest id',
      [
        ['100', '2024-01-01T00:00:00Z'],
        ['99', '2023-12-31T16:00:00-08:00'],
        ['101', '2024-01-01T00:00:00Z'],
      ],
      '99',
    ],
    [
      'one with a creation time before one without',
      [
        ['1', undefined],
        ['2', '2024-01-01T00:00:00Z'],
      ],
      '2',
    ],
  ])('returns, if several users have the external id, %s', async (_, entries, id) => {
    for (const list of [entries, entries.toReversed()]) {
      directory.script(() =>
        json(200, {
          entries: list.map(([one, time]) => ({
            id: one,
            external_app_user_id: 'e1',
            created_at: time,
          })),
        }),
      );
      expect(await directory.process().users.find({ externalAppUserId: 'e1' })).toBe(id);
    }
  });

  it.each<[string, unknown]>([
    ['no object', undefined],
    ['null', null],
    ['a string', 'ann@example.com'],
    ['neither login nor external id', {}],
    ['both login and external id', { login: 'ann@example.com', externalAppUserId: 'e1' }],
    ['an undefined login', { login: undefined }],
    ['an empty login', { login: '' }],
    ['a login that is no address', { login: 'ann' }],
    ['a login with a space', { login: 'ann @example.com' }],
    ['a login without a domain', { login: 'ann@' }],
    ['a login with two @', { login: 'ann@example.com@example.org' }],
    ['an undefined external id', { externalAppUserId: undefined }],
    ['a blank external id', { externalAppUserId: ' ' }],
    ['a number as external id', { externalAppUserId: 7 }],
    ['an unknown name', { login: 'ann@example.com', externalId: 'e1' }],
  ])('rejects %s without a request, and shows no value', async (_, query) => {
    for (const work of [
      () => users.find(query as BoxUserQuery),
      () => users.forget(query as BoxUserQuery),
    ]) {
      const error = await thrownBy(work);
      expect(error.code).toBe('option_invalid');
      expect(error.message).toMatch(/ of (?:find|forget)[.:]/);
      expect(error.message).not.toContain('ann');
    }
    expect(directory.calls).toEqual([]);
  });

  it.each<[string, unknown]>([
    ['a list without the external ids', { entries: [{ id: '7', login: 'ann@example.com' }] }],
    ['an entry without an id', { entries: [{ external_app_user_id: 'e1' }] }],
    ['an id that is not a Box id', { entries: [{ id: '0', external_app_user_id: 'e1' }] }],
    ['no list', { total_count: 0 }],
    ['a list of JSON', []],
  ])('fails with response_invalid for %s', async (_, body) => {
    directory.script(() => json(200, body));
    const error = await thrownBy(() => users.find({ externalAppUserId: 'e1' }));
    expect(error).toMatchObject({ code: 'response_invalid', retryable: true });
    expect(error.message).toContain('https://api.box.com/2.0/users');
  });

  it('fails with network if Box cannot be reached', async () => {
    directory.script(() => {
      throw new TypeError('fetch failed', { cause: Object.assign(new Error(), { code: 'EPIPE' }) });
    });
    const error = await thrownBy(() => users.find({ login: 'ann@example.com' }));
    expect(error).toMatchObject({
      code: 'network',
      retryable: true,
      message: "Box's API https://api.box.com/2.0/users cannot be reached (EPIPE).",
    });
  });

  it('fails with timeout after 30 s without a response', async () => {
    directory.script(silence);
    const found = thrownBy(() => users.find({ login: 'ann@example.com' }));
    await directory.runtime.advance(29_999);
    expect(directory.calls[0]?.signal?.aborted).toBe(false);
    await directory.runtime.advance(1);
    expect(await found).toMatchObject({ code: 'timeout', retryable: true });
    expect(directory.calls[0]?.signal?.aborted).toBe(true);
    expect(await users.find({ login: 'ann@example.com' })).toBeUndefined();
  });

  it('ends after 30 s if Box sends pages without end', async () => {
    directory.intercept = async () => {
      await directory.runtime.advance(10_000);
      return json(200, { entries: [], next_marker: 'again' });
    };
    const error = await thrownBy(() => users.find({ login: 'ann@example.com' }));
    expect(error.code).toBe('timeout');
    await settled(); // a page may be on its way
    const { length } = directory.calls;
    await directory.runtime.advance(60_000);
    await settled();
    expect(directory.calls).toHaveLength(length);
  });

  it('fails with the reason of a refusal', async () => {
    directory.script(() =>
      json(403, {}, { 'www-authenticate': 'Bearer error="insufficient_scope"' }),
    );
    const error = await thrownBy(() => users.find({ login: 'ann@example.com' }));
    expect(error).toMatchObject({ code: 'insufficient_scope', status: 403 });
    expect(error.enterprise).toBeUndefined();
  });

  it('fails with closed once the app is closed', async () => {
    directory.script(silence);
    const waiting = thrownBy(() => users.find({ login: 'ann@example.com' }));
    await settled();
    box.close();
    expect((await waiting).code).toBe('closed');
    expect(directory.calls[0]?.signal?.aborted).toBe(true);
    expect((await thrownBy(() => users.find({ login: 'ann@example.com' }))).code).toBe('closed');
  });
});

const silence = ({ signal }: { readonly signal: AbortSignal | undefined }): Promise<Response> =>
  new Promise((_, reject) => {
    signal?.addEventListener('abort', () => reject(new DOMException('aborted', 'AbortError')));
  });
