import { type BoxEmulator } from 'nestjs-box-auth/testing';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { get, mint, postExchange, send, stringIn, tokenIn } from '../box-client.js';
import { startEmulator } from '../emulator-fixture.js';

const WEBHOOKS = '/2.0/webhooks';

let emulator: BoxEmulator;
let token: string;
let target: { readonly type: 'folder'; readonly id: string };
beforeEach(async () => {
  ({ emulator } = await startEmulator());
  token = await mint(emulator);
  target = { type: 'folder', id: emulator.addFolder({ name: 'Plans' }).id };
});
afterEach(() => emulator.stop());

const create = (changes: object = {}) => {
  const address = 'https://example.com/hook';
  const json = { target, address, triggers: ['FILE.UPLOADED'], ...changes };
  return send(emulator, `POST ${WEBHOOKS}`, token, { json });
};

describe('A webhook', () => {
  test('can be created, read, listed, changed and deleted', async () => {
    const response = await create();
    const webhook = {
      type: 'webhook',
      target,
      address: 'https://example.com/hook',
      triggers: ['FILE.UPLOADED'],
      created_by: { id: emulator.serviceAccountId },
    };
    expect(response).toMatchObject({ status: 201, json: webhook });
    const id = stringIn(response, 'id');
    const path = `${WEBHOOKS}/${id}`;
    expect((await get(emulator, WEBHOOKS, token)).json).toEqual({
      limit: 100,
      next_marker: null,
      entries: [{ type: 'webhook', id, target }],
    });
    const json = { address: 'https://example.com/other' };
    expect(await send(emulator, `PUT ${path}`, token, { json })).toMatchObject({
      status: 200,
      json: { ...webhook, ...json },
    });
    expect(await get(emulator, path, token)).toMatchObject({ json: { ...webhook, ...json } });
    expect(await send(emulator, `DELETE ${path}`, token)).toMatchObject({ status: 204 });
    expect(await send(emulator, `DELETE ${path}`, token)).toMatchObject({ status: 404 });
  });

  test('belongs to its user', async () => {
    const path = `${WEBHOOKS}/${stringIn(await create(), 'id')}`;
    const headers = { 'as-user': '11111' };
    expect(await get(emulator, path, token, headers)).toMatchObject({ status: 404 });
    expect(await get(emulator, WEBHOOKS, token, headers)).toMatchObject({ json: { entries: [] } });
  });

  test('exists once for each target', async () => {
    await create();
    expect(await create()).toMatchObject({ status: 409, json: { code: 'conflict' } });
    const other = { type: 'folder', id: emulator.addFolder({ name: 'Other' }).id };
    const path = `${WEBHOOKS}/${stringIn(await create({ target: other }), 'id')}`;
    expect(await send(emulator, `PUT ${path}`, token, { json: { target } })).toMatchObject({
      status: 409,
    });
    expect(await send(emulator, `PUT ${path}`, token, { json: { target: other } })).toMatchObject({
      status: 200,
    });
  });

  test.each([
    ['a target that does not exist', { target: { type: 'file', id: '7' } }, 404],
    ['http', { address: 'http://example.com/hook' }, 400],
    ['an address at Box', { address: 'https://api.box.com/2.0/webhooks' }, 400],
    ['the root folder', { target: { type: 'folder', id: '0' } }, 400],
    ['no triggers', { triggers: [] }, 400],
    ['an unknown trigger', { triggers: ['FILE.EATEN'] }, 400],
  ])('is not created with %s', async (_what, changes, status) => {
    expect(await create(changes)).toMatchObject({ status });
  });

  test('of a file has no triggers for folders', async () => {
    const file = { type: 'file', id: emulator.addFile({ name: 'a.txt', content: '' }).id };
    for (const trigger of ['FILE.UPLOADED', 'FOLDER.CREATED', 'COLLABORATION.CREATED']) {
      expect(await create({ target: file, triggers: [trigger] })).toMatchObject({ status: 400 });
    }
    const created = await create({ target: file, triggers: ['FILE.RENAMED'] });
    expect(created).toMatchObject({ status: 201 });
    const path = `${WEBHOOKS}/${stringIn(created, 'id')}`;
    const json = { triggers: ['FOLDER.CREATED'] };
    expect(await send(emulator, `PUT ${path}`, token, { json })).toMatchObject({ status: 400 });
  });

  test.each(['http://localhost:3000/a', 'http://127.0.0.1/a', 'http://[::1]:3000/a'])(
    'may be delivered to %s, as it is on loopback',
    async (address) => {
      expect(await create({ address })).toMatchObject({ status: 201, json: { address } });
    },
  );

  test('needs the scope manage_webhook', async () => {
    const full = token;
    for (const [scope, status] of [
      ['root_readwrite', 403],
      ['manage_webhook', 201],
    ] as const) {
      token = tokenIn(await postExchange(emulator, full, { scope }));
      expect(await create()).toMatchObject({ status });
    }
  });
});
