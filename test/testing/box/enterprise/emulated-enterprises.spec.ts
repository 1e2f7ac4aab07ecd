import { type BoxEmulator } from 'nestjs-box-auth/testing';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { deferred } from '../../../support/deferred.js';
import {
  get,
  invalidGrant,
  mint,
  oauthRefusal,
  postAssertion,
  postClientCredentials,
  postExchange,
  send,
  stringIn,
  tokenIn,
  uploadForm,
  uploadedId,
} from '../box-client.js';
import { startEmulator } from '../emulator-fixture.js';
import { makeAssertion } from '../hand-made-assertion.js';

const GLOBEX = '7654321';
const INITECH = '8765432';
const CAROL = { id: '33333', name: 'Carol', login: 'carol@globex.example' };
const DAVE = { id: '44444', name: 'Dave', login: 'dave@initech.example' };
const ME = '/2.0/users/me?fields=enterprise';

const NOT_AUTHORIZED = oauthRefusal(
  'unauthorized_client',
  'This app is not authorized by the enterprise admin',
);
const CCG_REFUSED = invalidGrant('Grant credentials are invalid');
const CHECK_SUB = invalidGrant("Please check the 'sub' claim. The 'sub' specified is invalid.");
const NOT_FOUND = { status: 404, json: { code: 'not_found' } };
const DENIED = { status: 403, json: { code: 'access_denied_insufficient_permissions' } };

let emulator: BoxEmulator;
beforeEach(async () => {
  const enterprises = [
    { id: GLOBEX, name: 'Globex', users: [CAROL] },
    { id: INITECH, users: [DAVE] },
  ];
  ({ emulator } = await startEmulator({ enterprises }));
});
afterEach(() => emulator.stop());

/** The claims of an assertion for an enterprise or a user. */
type Claims = { readonly sub: string; readonly box_sub_type?: 'user' };

const assert = (claims: Claims) =>
  postAssertion(emulator, makeAssertion(emulator.config, { claims }));
const tokenOf = async (enterpriseId: string) => tokenIn(await assert({ sub: enterpriseId }));
const own = () => emulator.config.enterpriseID;

describe('The token endpoint', () => {
  test('issues a token of the enterprise that an assertion names', async () => {
    for (const [id, name] of [
      [own(), 'Emulated Enterprise'],
      [GLOBEX, 'Globex'],
      [INITECH, `Enterprise ${INITECH}`],
    ] as const) {
      expect((await get(emulator, ME, await tokenOf(id))).json).toEqual({
        type: 'user',
        id: emulator.serviceAccountIdOf(id),
        enterprise: { type: 'enterprise', id, name },
      });
    }
    const accounts = [own(), GLOBEX, INITECH].map((id) => emulator.serviceAccountIdOf(id));
    expect(new Set(accounts).size).toBe(3);
    expect(emulator.serviceAccountId).toBe(accounts[0]);
  });

  test('issues a token of the enterprise that client credentials name', async () => {
    const token = tokenIn(await postClientCredentials(emulator, { box_subject_id: GLOBEX }));
    expect(await get(emulator, ME, token)).toMatchObject({ json: { enterprise: { id: GLOBEX } } });
  });

  test('issues user tokens in the enterprise of the user', async () => {
    for (const [userId, id] of [
      ['11111', own()],
      [CAROL.id, GLOBEX],
      [DAVE.id, INITECH],
    ] as const) {
      expect(await get(emulator, ME, await mint(emulator, userId))).toMatchObject({
        json: { id: userId, enterprise: { id } },
      });
    }
  });

  test('issues no user token to the service account of any enterprise', async () => {
    const sub = emulator.serviceAccountIdOf(GLOBEX);
    expect(await assert({ sub, box_sub_type: 'user' })).toMatchObject({
      status: 400,
      json: { error: 'invalid_request' },
    });
  });

  test('rejects an unknown enterprise', async () => {
    expect(await assert({ sub: '999' })).toMatchObject(CHECK_SUB);
    expect(await postClientCredentials(emulator, { box_subject_id: '999' })).toMatchObject(
      CCG_REFUSED,
    );
  });

  test('rejects the id of an enterprise as that of a user, and the reverse', async () => {
    expect(await assert({ sub: GLOBEX, box_sub_type: 'user' })).toMatchObject(CHECK_SUB);
    expect(await assert({ sub: CAROL.id })).toMatchObject(CHECK_SUB);
  });

  test('downscopes a token to the items of its enterprise only', async () => {
    const file = { name: 'plan.txt', content: 'The plan' };
    const { id } = emulator.addFile({ ...file, ownerId: emulator.serviceAccountIdOf(GLOBEX) });
    const fields = { scope: 'item_download', resource: `${emulator.url}/2.0/files/${id}` };
    const downscoped = tokenIn(await postExchange(emulator, await tokenOf(GLOBEX), fields));
    const path = `/2.0/files/${id}/content`;
    expect(await get(emulator, path, downscoped)).toMatchObject({ status: 302 });
    expect(emulator.apiRequests.at(-1)).toMatchObject({ enterprise: GLOBEX });
    expect(await postExchange(emulator, await tokenOf(INITECH), fields)).toMatchObject({
      status: 400,
      json: { error: 'invalid_resource' },
    });
  });
});

describe('as-user', () => {
  test('reaches the users of the enterprise of the token only', async () => {
    const token = await tokenOf(GLOBEX);
    expect(await get(emulator, ME, token, { 'as-user': CAROL.id })).toMatchObject({
      json: { id: CAROL.id, enterprise: { id: GLOBEX } },
    });
    for (const id of ['11111', DAVE.id, emulator.serviceAccountId]) {
      expect(await get(emulator, ME, token, { 'as-user': id })).toMatchObject(DENIED);
    }
    expect(await get(emulator, ME, await mint(emulator), { 'as-user': CAROL.id })).toMatchObject(
      DENIED,
    );
  });

  test('is rejected for the service account of the same enterprise', async () => {
    const headers = { 'as-user': emulator.serviceAccountIdOf(GLOBEX) };
    expect(await get(emulator, ME, await tokenOf(GLOBEX), headers)).toMatchObject(DENIED);
  });
});

describe('The users of an enterprise', () => {
  test('are listed without those of other enterprises', async () => {
    expect(await get(emulator, '/2.0/users', await tokenOf(GLOBEX))).toMatchObject({
      json: { total_count: 1, entries: [CAROL] },
    });
    expect(await get(emulator, '/2.0/users', await mint(emulator))).toMatchObject({
      json: { total_count: 2, entries: [{ id: '11111' }, { id: '22222' }] },
    });
  });

  test('cannot be read or changed by the service account of another one', async () => {
    const token = await tokenOf(INITECH);
    const path = `/2.0/users/${CAROL.id}`;
    const json = { name: 'Mallory' };
    expect(await get(emulator, path, token)).toMatchObject(NOT_FOUND);
    expect(await send(emulator, `PUT ${path}`, token, { json })).toMatchObject(NOT_FOUND);
    expect(await send(emulator, `DELETE ${path}?force=true`, token)).toMatchObject(NOT_FOUND);
    const transfer = { json: { owned_by: { id: CAROL.id } } };
    const source = `PUT /2.0/users/${DAVE.id}/folders/0` as const;
    expect(await send(emulator, source, token, transfer)).toMatchObject(NOT_FOUND);
    expect(await get(emulator, path, await tokenOf(GLOBEX))).toMatchObject({ json: CAROL });
  });

  test('are created in the enterprise of the token, with a login that is new at Box', async () => {
    const token = await tokenOf(GLOBEX);
    const create = (login: string) =>
      send(emulator, 'POST /2.0/users', token, { json: { name: 'Erin', login } });
    const created = await create('erin@globex.example');
    expect(created).toMatchObject({ status: 201 });
    const userToken = await mint(emulator, stringIn(created, 'id'));
    expect(await get(emulator, ME, userToken)).toMatchObject({
      json: { enterprise: { id: GLOBEX } },
    });
    expect(await create(DAVE.login)).toMatchObject({
      status: 409,
      json: { code: 'user_login_already_used' },
    });
  });

  test('have ids of the app that are new in the enterprise only', async () => {
    const json = { name: 'Erin', is_platform_access_only: true, external_app_user_id: 'erin' };
    const create = async (id: string) =>
      (await send(emulator, 'POST /2.0/users', await tokenOf(id), { json })).status;
    expect([await create(GLOBEX), await create(INITECH)]).toEqual([201, 201]);
    expect(await create(GLOBEX)).toBe(409);
  });

  test('are added by the test, by default to the enterprise of the config', async () => {
    emulator.addUser({ id: '55555', name: 'Erin', login: 'erin@example.com' });
    emulator.addUser({ id: '66666', name: 'Frank', login: 'frank@example.com' }, GLOBEX);
    for (const [userId, id] of [
      ['55555', own()],
      ['66666', GLOBEX],
    ] as const) {
      expect(await get(emulator, ME, await mint(emulator, userId))).toMatchObject({
        json: { enterprise: { id } },
      });
    }
    const newUser = { id: '77777', name: 'Grace', login: 'grace@example.com' };
    expect(() => emulator.addUser(newUser, '999')).toThrow('Unknown enterprise');
  });
});

describe('The items of an enterprise', () => {
  test('are at other ids than those of another one, and not found with its tokens', async () => {
    const form = () => uploadForm({ name: 'plan.txt', parent: { id: '0' } }, 'The plan');
    const upload = async (id: string) =>
      uploadedId(
        await send(emulator, 'POST /api/2.0/files/content', await tokenOf(id), { body: form() }),
      );
    const [ofGlobex, ofInitech] = [await upload(GLOBEX), await upload(INITECH)];
    expect(ofGlobex).not.toBe(ofInitech);
    const token = await tokenOf(INITECH);
    expect(await get(emulator, `/2.0/files/${ofInitech}`, token)).toMatchObject({ status: 200 });
    expect(await get(emulator, `/2.0/files/${ofGlobex}`, token)).toMatchObject(NOT_FOUND);
    const target = { target: { type: 'file', id: ofGlobex } };
    const webhook = { ...target, address: 'https://example.com', triggers: ['FILE.DELETED'] };
    expect(await send(emulator, 'POST /2.0/webhooks', token, { json: webhook })).toMatchObject(
      NOT_FOUND,
    );
  });

  test('have webhooks and upload sessions that other enterprises cannot use', async () => {
    const token = await tokenOf(GLOBEX);
    const { id } = emulator.addFolder({
      name: 'Plans',
      ownerId: emulator.serviceAccountIdOf(GLOBEX),
    });
    const webhook = await send(emulator, 'POST /2.0/webhooks', token, {
      json: {
        target: { type: 'folder', id },
        address: 'https://example.com/box',
        triggers: ['FILE.UPLOADED'],
      },
    });
    const session = await send(emulator, 'POST /api/2.0/files/upload_sessions', token, {
      json: { folder_id: id, file_size: 20_000_000, file_name: 'plan.pdf' },
    });
    const paths = [
      `/2.0/webhooks/${stringIn(webhook, 'id')}`,
      `/api/2.0/files/upload_sessions/${stringIn(session, 'id')}`,
    ];
    const statusesFor = async (enterpriseId: string) => {
      const responses = paths.map(async (path) => get(emulator, path, await tokenOf(enterpriseId)));
      return (await Promise.all(responses)).map(({ status }) => status);
    };
    expect(await statusesFor(GLOBEX)).toEqual([200, 200]);
    expect(await statusesFor(INITECH)).toEqual([404, 403]);
    expect(await get(emulator, '/2.0/webhooks', await tokenOf(INITECH))).toMatchObject({
      json: { entries: [] },
    });
  });

  test('have samples of the service account and of each user', async () => {
    for (const [token, name] of [
      [await tokenOf(GLOBEX), 'Emulated App'],
      [await mint(emulator, CAROL.id), 'Carol'],
    ] as const) {
      expect(await get(emulator, '/2.0/folders/0/items', token)).toMatchObject({
        json: { entries: [{ name: `${name}'s papers` }, { name: `${name}'s notes.txt` }] },
      });
    }
  });

  test('are shared with other enterprises by open links, not by links for the company', async () => {
    const owner = await tokenOf(GLOBEX);
    const { id } = emulator.addFile({
      name: 'plan.txt',
      content: 'The plan',
      ownerId: emulator.serviceAccountIdOf(GLOBEX),
    });
    const readers = [await mint(emulator, CAROL.id), await mint(emulator, DAVE.id)];
    const statuses = async (access: 'company' | 'open') => {
      const json = { shared_link: { access } };
      const path = `/2.0/files/${id}?fields=shared_link` as const;
      const { text } = await send(emulator, `PUT ${path}`, owner, { json });
      const boxapi = `shared_link=${/"url":"([^"]+)"/.exec(text)?.[1]}`;
      const responses = readers.map((token) =>
        get(emulator, '/2.0/shared_items', token, { boxapi }),
      );
      return (await Promise.all(responses)).map(({ status }) => status);
    };
    expect(await statuses('company')).toEqual([200, 404]);
    expect(await statuses('open')).toEqual([200, 200]);
  });
});

describe('An enterprise that de-authorizes the app', () => {
  test('gets no tokens, as at Box, until it authorizes the app again', async () => {
    emulator.deauthorize(GLOBEX);
    expect(await assert({ sub: GLOBEX })).toMatchObject(NOT_AUTHORIZED);
    expect(await assert({ sub: CAROL.id, box_sub_type: 'user' })).toMatchObject(NOT_AUTHORIZED);
    for (const fields of [
      { box_subject_id: GLOBEX },
      { box_subject_type: 'user', box_subject_id: CAROL.id },
    ]) {
      expect(await postClientCredentials(emulator, fields)).toMatchObject(CCG_REFUSED);
    }
    emulator.authorize(GLOBEX);
    expect(await get(emulator, ME, await tokenOf(GLOBEX))).toMatchObject({ status: 200 });
  });

  test('invalidates its enterprise, user and downscoped tokens, also for later', async () => {
    const parent = await tokenOf(GLOBEX);
    const tokens = [
      parent,
      await mint(emulator, CAROL.id),
      tokenIn(await postExchange(emulator, parent, { scope: 'root_readonly' })),
    ];
    for (const token of tokens) {
      expect(await get(emulator, '/2.0/folders/0', token)).toMatchObject({ status: 200 });
    }
    emulator.deauthorize(GLOBEX);
    for (const before of [() => undefined, () => emulator.authorize(GLOBEX)]) {
      before();
      for (const token of tokens) {
        const response = await get(emulator, '/2.0/folders/0', token);
        expect(response).toMatchObject({ status: 401, text: '' });
        expect(response.headers.get('www-authenticate')).toContain('error="invalid_token"');
      }
      expect(await postExchange(emulator, parent, { scope: 'root_readonly' })).toMatchObject({
        status: 400,
        json: { error: 'invalid_grant' },
      });
    }
  });

  test('affects no other enterprise', async () => {
    const tokens = [await mint(emulator), await mint(emulator, '11111'), await tokenOf(INITECH)];
    emulator.deauthorize(GLOBEX);
    for (const token of [...tokens, await tokenOf(INITECH), await mint(emulator, '22222')]) {
      expect(await get(emulator, ME, token)).toMatchObject({ status: 200 });
    }
    expect(emulator.authorized).toBe(true);
  });

  test('refuses a token request that was on its way', async () => {
    const { promise: until, resolve: release } = deferred();
    const arrived = deferred();
    emulator.onToken = () => {
      arrived.resolve();
      return { kind: 'hold', until };
    };
    const response = assert({ sub: GLOBEX });
    await arrived.promise;
    emulator.deauthorize(GLOBEX);
    release();
    expect(await response).toMatchObject(NOT_AUTHORIZED);
  });

  test('is the one of the config if a test sets authorized', async () => {
    const token = await mint(emulator);
    emulator.authorized = false;
    expect(emulator.authorized).toBe(false);
    expect(await get(emulator, ME, token)).toMatchObject({ status: 401 });
    expect(await assert({ sub: own() })).toMatchObject(NOT_AUTHORIZED);
    await tokenOf(GLOBEX);
    emulator.authorize(own());
    expect(emulator.authorized).toBe(true);
  });
});

describe('An enterprise is added', () => {
  test('to a running emulator, authorized or not', async () => {
    const heidi = { id: '88888', name: 'Heidi', login: 'heidi@umbrella.example' };
    emulator.addEnterprise({ id: '9876543', users: [heidi], authorized: false });
    expect(await assert({ sub: '9876543' })).toMatchObject(NOT_AUTHORIZED);
    emulator.authorize('9876543');
    const token = await tokenOf('9876543');
    expect(await get(emulator, ME, token, { 'as-user': heidi.id })).toMatchObject({
      json: { enterprise: { id: '9876543', name: 'Enterprise 9876543' } },
    });
  });

  const NEW = { id: '88888', name: 'Heidi', login: 'heidi@umbrella.example' };
  test.each([
    [{ id: '0' }, 'Invalid enterprise id: expected 1 to 20 digits'],
    [{ id: GLOBEX }, `An enterprise with the id ${GLOBEX} exists already`],
    [{ id: '9', users: [NEW, CAROL] }, 'A user with the id 33333 exists already'],
    [{ id: '9', users: [NEW, NEW] }, 'A user with the id 88888 exists already'],
    [{ id: '9', users: [NEW, { ...NEW, id: 'heidi' }] }, 'Invalid user id: expected'],
  ])('as a whole, or not at all: %j', async (enterprise, message) => {
    expect(() => emulator.addEnterprise(enterprise)).toThrow(message);
    expect(await assert({ sub: '9' })).toMatchObject(CHECK_SUB);
    expect(await assert({ sub: NEW.id, box_sub_type: 'user' })).toMatchObject(CHECK_SUB);
  });

  test('before any method can name it', () => {
    for (const call of [
      () => emulator.authorize('999'),
      () => emulator.deauthorize('999'),
      () => emulator.serviceAccountIdOf('999'),
    ]) {
      expect(call).toThrow(
        `Unknown enterprise: expected the id of an enterprise of this emulator (${own()}, ${GLOBEX}, ${INITECH}), received "999"`,
      );
    }
  });
});

test('The log has the enterprise of each subject that Box knows', async () => {
  await get(emulator, ME, await tokenOf(GLOBEX));
  await get(emulator, ME, await mint(emulator, DAVE.id));
  await assert({ sub: '999' });
  expect(emulator.apiRequests).toMatchObject([{ enterprise: GLOBEX }, { enterprise: INITECH }]);
  expect(emulator.tokenRequests).toMatchObject([
    { enterprise: GLOBEX },
    { enterprise: INITECH },
    { subject: { id: '999' }, status: 400 },
  ]);
  expect(emulator.tokenRequests.at(-1)).not.toHaveProperty('enterprise');
});
