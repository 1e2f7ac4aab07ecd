import { type BoxEmulator } from 'nestjs-box-auth/testing';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { get, mint, send, stringIn } from '../box-client.js';
import { startEmulator } from '../emulator-fixture.js';

const USERS = '/2.0/users';

let emulator: BoxEmulator;
let token: string;
beforeEach(async () => {
  ({ emulator } = await startEmulator());
  token = await mint(emulator);
});
afterEach(() => emulator.stop());

const create = (json: object) => send(emulator, `POST ${USERS}`, token, { json });
const DENIED = { status: 403, json: { code: 'access_denied_insufficient_permissions' } };

describe('A user', () => {
  test('belongs to the enterprise, which is shown on request', async () => {
    const path = `${USERS}/me`;
    expect((await get(emulator, path, token)).json).not.toHaveProperty('enterprise');
    expect((await get(emulator, `${path}?fields=enterprise,role`, token)).json).toEqual({
      type: 'user',
      id: emulator.serviceAccountId,
      role: 'user',
      enterprise: {
        type: 'enterprise',
        id: emulator.config.enterpriseID,
        name: 'Emulated Enterprise',
      },
    });
  });

  test('can be created, read, changed and deleted', async () => {
    const response = await create({ name: 'Carol', login: 'carol@example.com', job_title: 'CEO' });
    expect(response).toMatchObject({
      status: 201,
      json: { type: 'user', name: 'Carol', login: 'carol@example.com', job_title: 'CEO' },
    });
    const path = `${USERS}/${stringIn(response, 'id')}`;
    const json = { name: 'Carola', phone: '1' };
    await send(emulator, `PUT ${path}`, token, { json });
    expect(await get(emulator, path, token)).toMatchObject({
      status: 200,
      json: { ...json, job_title: 'CEO' },
    });
    expect(await send(emulator, `DELETE ${path}`, token)).toMatchObject({ status: 204 });
    expect(await get(emulator, path, token)).toMatchObject({ status: 404 });
  });

  test('may be an app user without a login; the app can act for that user', async () => {
    const response = await create({ name: 'App', is_platform_access_only: true });
    expect(stringIn(response, 'login')).toMatch(/^AppUser_\d+_\w+@boxdevedition\.com$/);
    const id = stringIn(response, 'id');
    expect(await get(emulator, `${USERS}/me`, token, { 'as-user': id })).toMatchObject({
      json: { id, name: 'App' },
    });
    const own = await mint(emulator, id);
    await send(emulator, `DELETE ${USERS}/${id}`, token);
    expect(await get(emulator, `${USERS}/me`, own)).toMatchObject({ status: 401 });
  });

  test('who owns content is deleted only if force=true', async () => {
    const path = `DELETE ${USERS}/11111` as const;
    expect(await send(emulator, path, token)).toMatchObject({
      status: 409,
      json: { code: 'conflict' },
    });
    expect(await send(emulator, `${path}?force=true`, token)).toMatchObject({ status: 204 });
  });

  test('can get the content of another user', async () => {
    const json = { owned_by: { id: '22222' } };
    const response = await send(emulator, `PUT ${USERS}/11111/folders/0`, token, { json });
    expect(response).toMatchObject({
      status: 200,
      json: { type: 'folder', owned_by: { id: '22222' } },
    });
    const path = `/2.0/folders/${stringIn(response, 'id')}/items`;
    expect(await get(emulator, path, token, { 'as-user': '22222' })).toMatchObject({
      json: { entries: [{ name: "Alice's papers" }, { name: "Alice's notes.txt" }] },
    });
  });

  test('is found by name, login or external id', async () => {
    await create({ name: 'Ally', login: 'zoe@example.com', external_app_user_id: 'e1' });
    const names = async (query: string) => {
      const { json } = await get(emulator, `${USERS}?${query}`, token);
      return (json as { entries: { name: string }[] }).entries.map(({ name }) => name);
    };
    expect(await names('filter_term=AL')).toEqual(['Alice', 'Ally']);
    expect(await names('filter_term=zoe')).toEqual(['Ally']);
    expect(await names('external_app_user_id=e1')).toEqual(['Ally']);
    expect(await names('limit=1&offset=1')).toEqual(['Bob']);
  });

  test.each([
    ['a login in use', { name: 'X', login: 'ALICE@example.com' }, 409, 'user_login_already_used'],
    ['no login', { name: 'X' }, 400, 'bad_request'],
    ['no name', { login: 'x@example.com' }, 400, 'bad_request'],
    ['a login that is no address', { name: 'X', login: 'x' }, 400, 'bad_request'],
  ])('is not created with %s', async (_what, json, status, code) => {
    expect(await create(json)).toMatchObject({ status, json: { code } });
  });

  test('is not created with an external id in use', async () => {
    const json = { name: 'Ally', is_platform_access_only: true, external_app_user_id: 'e2' };
    expect(await create(json)).toMatchObject({ status: 201 });
    expect(await create(json)).toMatchObject({
      status: 409,
      json: { message: 'An app user already exists for this external_app_user_id' },
    });
    expect(await create({ ...json, external_app_user_id: 'e3' })).toMatchObject({ status: 201 });
    const withoutId = { name: 'Ally', is_platform_access_only: true };
    expect(await create(withoutId)).toMatchObject({ status: 201 });
  });

  test('changes its login unless another user has the new one', async () => {
    const change = (login: string) =>
      send(emulator, `PUT ${USERS}/11111`, token, { json: { login } });
    expect(await change('bob@example.com')).toMatchObject({ status: 409 });
    expect(await change('Alice@example.com')).toMatchObject({ status: 200 });
  });

  test('does not manage users, except the service account', async () => {
    const headers = { 'as-user': '11111' };
    const json = { name: 'X', login: 'x@example.com' };
    expect(await get(emulator, `${USERS}/11111`, token, headers)).toMatchObject({ status: 200 });
    expect(await get(emulator, `${USERS}/22222`, token, headers)).toMatchObject(DENIED);
    expect(await send(emulator, `POST ${USERS}`, token, { json, headers })).toMatchObject(DENIED);
    for (const endpoint of [`PUT ${USERS}/11111`, `DELETE ${USERS}/22222`] as const) {
      expect(await send(emulator, endpoint, token, { json, headers })).toMatchObject(DENIED);
    }
    const own = `DELETE ${USERS}/${emulator.serviceAccountId}` as const;
    expect(await send(emulator, own, token)).toMatchObject(DENIED);
  });
});
