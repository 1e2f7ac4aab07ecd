import { beforeEach, describe, expect, it } from 'vitest';
import { GuardedVault } from '../../../lib/core/connections/guarded-vault.js';
import type {
  AuthorizationRequest,
  OAuthClient,
} from '../../../lib/core/connections/oauth-client.js';
import { SealedConnections } from '../../../lib/core/connections/sealed-connections.js';
import { SignInStates } from '../../../lib/core/connections/sign-in-states.js';
import {
  type CallbackQuery,
  type SignInRequest,
  SignIns,
} from '../../../lib/core/connections/sign-ins.js';
import { SecretSeal } from '../../../lib/core/sealing/secret-seal.js';
import { KEY, TestConnection, VAULT_SECRET } from '../../support/connections.js';
import { thrownBy } from '../../support/thrown.js';

const ann = { owner: 'ann', binding: 'the session of ann' };
const PERSON = { id: '11111', login: 'ann@example.com', name: 'Ann' };

let connection: TestConnection;
let requests: AuthorizationRequest[];
let redeemed: string[];
let signIns: SignIns;
beforeEach(() => {
  connection = new TestConnection();
  requests = [];
  redeemed = [];
  const { runtime, stored } = connection;
  const client: Pick<OAuthClient, 'authorizationUrl' | 'redeem'> = {
    authorizationUrl: (request) => {
      requests.push(request);
      return 'https://issuer.example.com/authorize';
    },
    redeem: async (code) => {
      redeemed.push(code);
      return { pair: connection.grant('RT-1'), person: PERSON };
    },
  };
  const vault = new GuardedVault(stored, runtime);
  const seal = new SecretSeal('vault', [VAULT_SECRET]);
  signIns = new SignIns({
    app: 'app',
    client: client as OAuthClient,
    states: new SignInStates('app', vault, seal, runtime),
    connections: new SealedConnections(vault, seal),
    vault,
    runtime,
  });
});

/** Begins a sign-in and returns its state. */
async function begin(changes: Partial<SignInRequest> = {}): Promise<string> {
  await signIns.begin({ ...ann, ...changes });
  return requests.at(-1)?.state ?? '';
}

const complete = (query: CallbackQuery) => signIns.complete({ ...ann, query });

describe('A sign-in', () => {
  it('stores the connection of its owner and label, and knows where to return to', async () => {
    const state = await begin({ label: 'work', returnTo: '/files' });
    connection.runtime.freeze(1_000);
    const { connection: made, returnTo } = await complete({ state, code: 'the code' });
    const now = connection.runtime.now();
    expect(returnTo).toBe('/files');
    expect(redeemed).toEqual(['the code']);
    expect(made.record).toMatchObject({ refreshToken: 'RT-1', connectedAt: now, person: PERSON });
    expect(await connection.rows().load({ ...KEY, label: 'work' })).toMatchObject({
      row: { status: 'active', refreshedAt: now },
      record: { accessToken: 'AT-1', connectedAt: now },
    });
  });

  it('passes the account to preselect and the scopes to the issuer', async () => {
    await begin({ loginHint: 'ann@example.com', scopes: ['root_readonly', '!#[]~'] });
    expect(requests).toMatchObject([
      { loginHint: 'ann@example.com', scopes: ['root_readonly', '!#[]~'] },
    ]);
  });

  it.each([7, null, {}])('refuses the loginHint %j', async (loginHint) => {
    expect(await thrownBy(() => begin({ loginHint: loginHint as string }))).toMatchObject({
      code: 'option_invalid',
      message: 'Invalid `loginHint` of authorizationUrl: expected an email address as a string.',
      hint: 'Correct `loginHint`, or leave it out.',
      docs: 'https://datatracker.ietf.org/doc/html/rfc6749#section-4.1.1',
    });
  });

  it.each([
    'root_readonly',
    [],
    [''],
    [7],
    ['root_readonly', 'two words'],
    ['quo"te'],
    ['back\\slash'],
    ['tab\t'],
    ['ä'],
  ])('refuses the scopes %j', async (scopes) => {
    expect(await thrownBy(() => begin({ scopes: scopes as string[] }))).toMatchObject({
      code: 'option_invalid',
      message:
        'Invalid `scopes` of authorizationUrl: expected a list of scopes, such as ["root_readonly"].',
      hint: 'Correct `scopes`, or leave it out.',
    });
  });
});

describe('A callback', () => {
  it.each<[string, (state: string) => CallbackQuery]>([
    ['a whole URL', (state) => `https://app.example.com/callback?code=c&state=${state}`],
    ['a URL with a fragment', (state) => `/callback?code=c&state=${state}#top\nbottom`],
    ['the query of a URL', (state) => `?code=c&state=${state}`],
    ['a query', (state) => `code=c&state=${state}`],
    ['URLSearchParams', (state) => new URLSearchParams({ code: 'c', state })],
    ['a record', (state) => ({ code: 'c', state, other: { deep: true } })],
  ])('can be %s', async (_, queryOf) => {
    await complete(queryOf(await begin()));
    expect(redeemed).toEqual(['c']);
  });

  it.each<[string, (state: string) => CallbackQuery]>([
    ['in a query', (state) => `code=c&state=${state}&code=d`],
    ['in URLSearchParams', (state) => new URLSearchParams(`code=c&state=${state}&state=x`)],
    ['in a record', (state) => ({ code: ['c', 'd'], state })],
  ])('cannot repeat a parameter %s', async (_, queryOf) => {
    const query = queryOf(await begin());
    expect(await thrownBy(() => complete(query))).toMatchObject({
      code: 'state_invalid',
      message: 'This sign-in cannot be completed: the callback has a parameter twice.',
    });
    expect(redeemed).toEqual([]);
  });

  it.each([undefined, null, 7, '', {}])('without a state is refused: %j', async (query) => {
    expect(await thrownBy(() => complete(query as CallbackQuery))).toMatchObject({
      code: 'state_invalid',
      message: 'This sign-in cannot be completed: the callback has no state of this app.',
    });
  });

  it.each([undefined, '', 7, { length: 1 }])('without a code is refused: %j', async (code) => {
    const state = await begin();
    expect(await thrownBy(() => complete({ state, code }))).toMatchObject({
      code: 'state_invalid',
      message: 'This sign-in cannot be completed: the callback has no code.',
    });
    expect(redeemed).toEqual([]);
  });

  it('reports that the person did not consent', async () => {
    const state = await begin();
    expect(await thrownBy(() => complete({ state, error: 'access_denied' }))).toMatchObject({
      code: 'consent_denied',
    });
  });

  it.each([
    [
      { error: 'invalid_scope', error_description: 'No such scope.' },
      'invalid_scope: No such scope.',
    ],
    [{ error: 'invalid_scope', error_description: '' }, 'invalid_scope'],
    [{ error: 'invalid_scope' }, 'invalid_scope'],
  ])('reports other errors of the issuer: %j', async (parameters, shown) => {
    const state = await begin();
    expect(await thrownBy(() => complete({ state, ...parameters, code: 'c' }))).toMatchObject({
      code: 'request_refused',
      message: `The issuer refused the sign-in (${shown}).`,
    });
    expect(redeemed).toEqual([]);
  });
});

describe('A new connection', () => {
  /** When the vault was asked to insert the row, in milliseconds since the start. `respond` replaces its response. */
  function inserts(respond: () => Promise<boolean | undefined>): number[] {
    const { runtime, stored } = connection;
    const startedAt = runtime.monotonic();
    const times: number[] = [];
    const insert = stored.insert.bind(stored);
    stored.insert = async (row) => {
      times.push(runtime.monotonic() - startedAt);
      return (await respond()) ?? insert(row);
    };
    return times;
  }
  const away = () => Promise.reject(new Error('away'));

  it.each([
    [0, [0, 250, 750, 1_750]],
    [0.5, [0, 500, 1_500, 3_500]],
    [0.9, [0, 700, 2_100, 4_900]],
  ])(
    'is written four times while the vault is unavailable (random %d), because the code is used up',
    async (random, expected) => {
      connection.runtime.randomValue = random;
      const times = inserts(away);
      const state = await begin();
      const error = thrownBy(() => complete({ state, code: 'c' }));
      await connection.runtime.advance(10_000);
      expect(await error).toMatchObject({ code: 'vault_unavailable', cause: { message: 'away' } });
      expect(times).toEqual(expected);
      expect(redeemed).toEqual(['c']);
    },
  );

  it('is written once the vault is back', async () => {
    const times = inserts(() => (times.length < 3 ? away() : Promise.resolve(undefined)));
    const state = await begin();
    const done = complete({ state, code: 'c' });
    await connection.runtime.advance(10_000);
    expect((await done).connection.record.refreshToken).toBe('RT-1');
    expect(times).toHaveLength(3);
  });

  it('replaces the one that another process makes at the same time', async () => {
    let isFirst = true;
    inserts(async () => {
      if (!isFirst) return undefined;
      isFirst = false;
      await connection.connect({ refreshToken: 'RT-other' });
      return false;
    });
    const state = await begin();
    const { connection: made } = await complete({ state, code: 'c' });
    expect(made.row.version).toBe(8);
    expect(await connection.loaded()).toMatchObject({ refreshToken: 'RT-1' });
  });

  it('ends in vault_unavailable if the vault only reports conflicts', async () => {
    const times = inserts(async () => false);
    const state = await begin();
    const error = thrownBy(() => complete({ state, code: 'c' }));
    await connection.runtime.advance(10_000);
    expect(await error).toMatchObject({
      code: 'vault_unavailable',
      cause: { message: 'It reported 20 conflicts in a row.' },
    });
    expect(times).toHaveLength(4 * 20);
  });

  it('begins with a random version, so that no process takes it for one that was removed', async () => {
    const versions: unknown[] = [];
    for (const random of [0.25, 0.500_1]) {
      connection.runtime.randomValue = random;
      const { connection: made } = await complete({ state: await begin(), code: 'c' });
      versions.push(made.row.version);
      await connection.stored.remove(KEY);
    }
    expect(versions).toEqual([2 ** 38, Math.floor(0.500_1 * 2 ** 40)]);
  });
});
