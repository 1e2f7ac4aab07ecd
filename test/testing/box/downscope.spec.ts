import { type BoxEmulator } from 'nestjs-box-auth/testing';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  get,
  invalidGrant,
  mint,
  oauthRefusal,
  postExchange,
  postForm,
  request,
  tokenIn,
} from './box-client.js';
import { NOW_MS, startEmulator, type TestClock } from './emulator-fixture.js';
import { signingInput } from './hand-made-assertion.js';

let clock: TestClock;
let emulator: BoxEmulator;
beforeEach(async () => {
  ({ clock, emulator } = await startEmulator());
});
afterEach(() => emulator.stop());

const DEAD_SUBJECT = invalidGrant('Please check the subject_token. It is not valid.');
const BAD_RESOURCE = oauthRefusal('invalid_resource', 'The target resource is invalid.');

describe('A token exchange', () => {
  test('returns a token with fewer rights, and lists them', async () => {
    const { id } = emulator.addFile({ name: 'plan.txt', content: 'Plan' });
    const response = await postExchange(emulator, await mint(emulator), {
      scope: 'item_preview base_preview',
      resource: `https://api.box.com/2.0/files/${id}`,
    });
    const object = { type: 'file', id, name: 'plan.txt' };
    expect(response).toMatchObject({
      status: 200,
      json: {
        expires_in: 3600,
        token_type: 'bearer',
        issued_token_type: 'urn:ietf:params:oauth:token-type:access_token',
        restricted_to: [
          { scope: 'item_preview', object },
          { scope: 'base_preview', object },
        ],
      },
    });
  });

  test.each(['nonsense', 'item_preview nonsense', 'item_preview  item_share', 'ITEM_PREVIEW'])(
    'rejects the scope "%s"',
    async (scope) => {
      expect(await postExchange(emulator, await mint(emulator), { scope })).toMatchObject(
        oauthRefusal('invalid_scope', 'The requested scope is invalid.'),
      );
    },
  );

  test('limits the lifetime to that of the subject token', async () => {
    const parent = await mint(emulator);
    clock.nowMs += 3_000_000;
    const response = await postExchange(emulator, parent, { scope: 'item_preview' });
    expect(response.json).toMatchObject({ expires_in: 600 });
    clock.nowMs += 599_999;
    expect(await postExchange(emulator, parent, { scope: 'item_preview' })).toMatchObject(
      DEAD_SUBJECT,
    );
  });

  test('rejects a subject token that is unknown, expired or revoked', async () => {
    const [expired, revoked] = [await mint(emulator), await mint(emulator)];
    emulator.revokeToken(revoked);
    expect(await postExchange(emulator, revoked, { scope: 'item_preview' })).toMatchObject(
      DEAD_SUBJECT,
    );
    clock.nowMs += 3_600_000;
    for (const token of [expired, 'unknown']) {
      expect(await postExchange(emulator, token, { scope: 'item_preview' })).toMatchObject(
        DEAD_SUBJECT,
      );
    }
  });

  test.for([
    [{}, 'invalid_request'],
    [{ scope: 'ITEM;DROP' }, 'invalid_scope'],
    [{ scope: 'item_preview', subject_token_type: 'jwt' }, 'invalid_request'],
    [{ scope: 'item_preview', client_id: 'wrong' }, 'invalid_client'],
    [
      {
        scope: 'item_preview',
        resource: 'https://api.box.com/2.0/folders/0',
        box_shared_link: 'https://app.box.com/s/abc',
      },
      'invalid_request',
    ],
    [{ scope: 'item_preview', resource: '/2.0/folders/0' }, 'invalid_resource'],
    [{ scope: 'item_preview', resource: 'https://app.box.com/file/1' }, 'invalid_resource'],
    [{ scope: 'item_preview', box_shared_link: 'no link' }, 'invalid_resource'],
  ] as const)('rejects %o with %s', async ([fields, error]) => {
    const response = await postExchange(emulator, await mint(emulator), { ...fields });
    expect(response).toMatchObject({ status: 400, json: { error } });
  });

  test('sees only the items of the token’s subject, without as-user', async () => {
    const { id } = emulator.addFile({ name: 'plan.txt', content: 'Plan', ownerId: '11111' });
    const fields = { scope: 'item_preview', resource: `${emulator.url}/2.0/files/${id}` };
    expect(await postExchange(emulator, await mint(emulator), fields)).toMatchObject(BAD_RESOURCE);
    tokenIn(await postExchange(emulator, await mint(emulator, '11111'), fields));
  });

  test('accepts a shared link as its resource', async () => {
    const fields = { scope: 'item_preview', box_shared_link: 'https://app.box.com/s/abc' };
    expect(await postExchange(emulator, await mint(emulator), fields)).toMatchObject({
      status: 200,
    });
  });

  test('for a shared link cannot be widened to another resource', async () => {
    const scope = 'item_preview';
    const fields = { scope, box_shared_link: 'https://app.box.com/s/abc' };
    const narrow = tokenIn(await postExchange(emulator, await mint(emulator), fields));
    expect(await postExchange(emulator, narrow, fields)).toMatchObject({ status: 200 });
    for (const wider of [{ scope }, { scope, box_shared_link: 'https://app.box.com/s/def' }]) {
      expect(await postExchange(emulator, narrow, wider)).toMatchObject({
        status: 400,
        json: { error: 'invalid_scope' },
      });
    }
  });

  test('for an item cannot be widened to another resource', async () => {
    const { id } = emulator.addFolder({ name: 'Plans' });
    const scope = 'base_explorer';
    const fields = { scope, resource: `https://api.box.com/2.0/folders/${id}` };
    const narrow = tokenIn(await postExchange(emulator, await mint(emulator), fields));
    expect(await postExchange(emulator, narrow, fields)).toMatchObject({ status: 200 });
    for (const wider of [{ scope }, { scope, resource: 'https://api.box.com/2.0/folders/0' }]) {
      expect(await postExchange(emulator, narrow, wider)).toMatchObject({
        status: 400,
        json: { error: 'invalid_scope' },
      });
    }
  });

  test('returns the default lifetime if the subject token has none', async () => {
    emulator.tokenLifetimeS = null;
    const parent = await mint(emulator);
    const scope = 'item_preview';
    const unknown = await postExchange(emulator, parent, { scope });
    expect(unknown.json).not.toHaveProperty('expires_in');
    emulator.tokenLifetimeS = 120;
    expect(await postExchange(emulator, parent, { scope })).toMatchObject({
      json: { expires_in: 120 },
    });
  });

  test('is logged with the subject of the subject token', async () => {
    const parent = await mint(emulator, '11111');
    await postExchange(emulator, parent, { scope: 'item_preview' });
    expect(emulator.tokenRequests.at(-1)?.subject).toEqual({ type: 'user', id: '11111' });
  });

  test('never restores a removed right', async () => {
    const narrow = tokenIn(
      await postExchange(emulator, await mint(emulator), { scope: 'item_preview' }),
    );
    expect(
      await postExchange(emulator, narrow, { scope: 'item_preview item_upload' }),
    ).toMatchObject({ status: 400, json: { error: 'invalid_scope' } });
    tokenIn(await postExchange(emulator, narrow, { scope: 'item_preview' }));
  });
});

describe('A downscoped token', () => {
  test('reads only files', async () => {
    const { id } = emulator.addFile({ name: 'plan.txt', content: 'Plan' });
    const token = tokenIn(
      await postExchange(emulator, await mint(emulator), { scope: 'item_preview base_preview' }),
    );
    expect(await get(emulator, `/2.0/files/${id}`, token)).toMatchObject({ status: 200 });
    for (const path of ['/2.0/users/me', '/2.0/folders/0/items', `/2.0/files/${id}/content`]) {
      const response = await get(emulator, path, token);
      expect(response).toMatchObject({ status: 403, text: '' });
      expect(response.headers.get('www-authenticate')).toBe(
        'Bearer realm="Service", error="insufficient_scope", error_description="The request requires higher privileges than provided by the access token."',
      );
    }
  });

  test('is limited to its resource, which includes the items of a folder', async () => {
    const folder = emulator.addFolder({ name: 'Plans' });
    const inside = emulator.addFile({ name: 'a.txt', content: 'A', parentId: folder.id });
    const outside = emulator.addFile({ name: 'b.txt', content: 'B' });
    const token = tokenIn(
      await postExchange(emulator, await mint(emulator), {
        scope: 'item_download item_upload',
        resource: `https://api.box.com/2.0/folders/${folder.id}`,
      }),
    );
    const statuses = await Promise.all(
      [inside, outside].map(({ id }) => get(emulator, `/2.0/files/${id}/content`, token)),
    );
    expect(statuses.map(({ status }) => status)).toEqual([302, 403]);
  });

  test('uploads only into its folder', async () => {
    const { id } = emulator.addFolder({ name: 'Plans' });
    const inner = emulator.addFolder({ name: 'Old plans', parentId: id });
    const token = tokenIn(
      await postExchange(emulator, await mint(emulator), {
        scope: 'base_upload',
        resource: `https://api.box.com/2.0/folders/${id}`,
      }),
    );
    const upload = (parentId: string) => {
      const body = new FormData();
      body.append('attributes', JSON.stringify({ name: 'a.txt', parent: { id: parentId } }));
      body.append('file', new Blob(['A']), 'a.txt');
      const headers = { authorization: `Bearer ${token}` };
      return request(`${emulator.url}/api/2.0/files/content`, { method: 'POST', headers, body });
    };
    const responses = [await upload(id), await upload(inner.id), await upload('0')];
    expect(responses.map(({ status }) => status)).toEqual([201, 201, 403]);
  });
});

function actorToken(changes: object = {}): string {
  const claims = {
    iss: emulator.config.boxAppSettings.clientID,
    sub: 'external-17',
    box_sub_type: 'external',
    name: 'Ada',
    exp: NOW_MS / 1000 + 45,
    ...changes,
  };
  return `${signingInput({ alg: 'none' }, claims)}.`;
}

describe('An annotator', () => {
  const actorTokenType = 'urn:ietf:params:oauth:token-type:id_token';

  test('is named by an actor token', async () => {
    expect(
      await postExchange(emulator, await mint(emulator), {
        scope: 'annotation_edit',
        actor_token: actorToken(),
        actor_token_type: actorTokenType,
      }),
    ).toMatchObject({ status: 200 });
  });

  test.for([{ exp: NOW_MS / 1000 }, { box_sub_type: 'user' }, { sub: 7 }, { iss: 'x' }])(
    'is rejected with %o',
    async (changes) => {
      const fields = {
        scope: 'annotation_edit',
        actor_token: actorToken(changes),
        actor_token_type: actorTokenType,
      };
      expect(await postExchange(emulator, await mint(emulator), fields)).toMatchObject(
        invalidGrant('Please check the actor_token.'),
      );
    },
  );

  test('is rejected without the right token type', async () => {
    const fields = { scope: 'annotation_edit', actor_token: actorToken() };
    expect(await postExchange(emulator, await mint(emulator), fields)).toMatchObject({
      status: 400,
      json: { error: 'invalid_request' },
    });
  });
});

test('A token exchange without a subject token is rejected', async () => {
  const fields = {
    grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
    subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
    scope: 'item_preview',
  };
  expect(await postForm(emulator, '/oauth2/token', fields)).toMatchObject(
    oauthRefusal('invalid_request', 'Invalid grant_type parameter or parameter missing'),
  );
});
