import { type BoxEmulator } from 'nestjs-box-auth/testing';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { get, mint, send } from '../box-client.js';
import { startEmulator, type TestClock } from '../emulator-fixture.js';

let clock: TestClock;
let emulator: BoxEmulator;
let token: string;
beforeEach(async () => {
  ({ clock, emulator } = await startEmulator());
  token = await mint(emulator);
});
afterEach(() => emulator.stop());

interface Link {
  readonly url: string;
}

async function share(path: string, sharedLink: object | null): Promise<Link> {
  const json = { shared_link: sharedLink };
  const response = await send(emulator, `PUT ${path}?fields=shared_link`, token, { json });
  expect(response).toMatchObject({ status: 200 });
  return (response.json as { shared_link: Link }).shared_link;
}

/** As Alice, to whom the items do not belong. */
const open = (path: string, boxapi: string) =>
  get(emulator, path, token, { 'as-user': '11111', boxapi });

const NOT_FOUND = { status: 404, json: { code: 'not_found' } };
const WRONG_PASSWORD = { status: 403, json: { code: 'incorrect_shared_item_password' } };

describe('A shared link', () => {
  test('gives another user access to a file', async () => {
    const { id } = emulator.addFile({ name: 'plan.txt', content: 'The plan' });
    const path = `/2.0/files/${id}`;
    const { url } = await share(path, {});
    const boxapi = `shared_link=${url}`;
    expect(await get(emulator, path, token, { 'as-user': '11111' })).toMatchObject(NOT_FOUND);
    expect(await open('/2.0/shared_items', boxapi)).toMatchObject({ status: 200, json: { id } });
    expect(await open(path, boxapi)).toMatchObject({ status: 200, json: { id } });
    expect(await open(`${path}/content`, boxapi)).toMatchObject({ status: 302 });
    const other = emulator.addFile({ name: 'other.txt', content: '' }).id;
    expect(await open(`/2.0/files/${other}`, boxapi)).toMatchObject(NOT_FOUND);
    await share(path, null);
    expect(await open('/2.0/shared_items', boxapi)).toMatchObject(NOT_FOUND);
  });

  test('of a folder gives access to the items in it', async () => {
    const folder = emulator.addFolder({ name: 'Plans' });
    const file = emulator.addFile({ name: 'a.txt', content: 'a', parentId: folder.id });
    const { url } = await share(`/2.0/folders/${folder.id}`, {});
    const boxapi = `shared_link=${url}`;
    expect(await open('/2.0/shared_items', boxapi)).toMatchObject({ json: { id: folder.id } });
    expect(await open(`/2.0/folders/${folder.id}/items`, boxapi)).toMatchObject({
      json: { entries: [{ id: file.id }] },
    });
    expect(await open(`/2.0/files/${file.id}`, boxapi)).toMatchObject({ status: 200 });
  });

  test('does not work while the item is in the trash', async () => {
    const path = `/2.0/files/${emulator.addFile({ name: 'plan.txt', content: '' }).id}`;
    const { url } = await share(path, {});
    const boxapi = `shared_link=${url}`;
    await send(emulator, `DELETE ${path}`, token);
    expect(await open('/2.0/shared_items', boxapi)).toMatchObject(NOT_FOUND);
    const inTrash = await get(emulator, `${path}/trash`, token);
    expect(inTrash).toMatchObject({ json: { shared_link: null } });
    const restored = await send(emulator, `POST ${path}`, token);
    expect(restored).toMatchObject({ status: 201, json: { shared_link: null } });
    expect(await open('/2.0/shared_items', boxapi)).toMatchObject({
      json: { shared_link: { url, permissions: { can_download: true } } },
    });
  });

  test('does not let the other user change the item', async () => {
    const { id } = emulator.addFile({ name: 'plan.txt', content: 'The plan' });
    const { url } = await share(`/2.0/files/${id}`, {});
    const headers = { 'as-user': '11111', boxapi: `shared_link=${url}` };
    const json = { name: 'mine.txt' };
    expect(await send(emulator, `PUT /2.0/files/${id}`, token, { json, headers })).toMatchObject(
      NOT_FOUND,
    );
  });

  test('may have a password', async () => {
    const { id } = emulator.addFile({ name: 'plan.txt', content: 'The plan' });
    const path = `/2.0/files/${id}`;
    const link = await share(path, { access: 'open', password: 'Secret123@' });
    expect(link).toMatchObject({ access: 'open', is_password_enabled: true });
    expect(JSON.stringify(link)).not.toContain('Secret');
    const boxapi = `shared_link=${link.url}`;
    const withPassword = `${boxapi}&shared_link_password=`;
    expect(await open('/2.0/shared_items', boxapi)).toMatchObject(WRONG_PASSWORD);
    expect(await open(path, `${withPassword}wrong`)).toMatchObject(WRONG_PASSWORD);
    expect(await open(path, `${withPassword}Secret123@`)).toMatchObject({ status: 200 });
    await share(path, { password: null });
    expect(await open(path, boxapi)).toMatchObject({ status: 200 });
  });

  test('may be limited to collaborators, or in time', async () => {
    const { id } = emulator.addFile({ name: 'plan.txt', content: 'The plan' });
    const path = `/2.0/files/${id}`;
    const { url } = await share(path, { unshared_at: '2031-05-06T07:08:10Z' });
    const boxapi = `shared_link=${url}`;
    expect(await open(path, boxapi)).toMatchObject({ status: 200 });
    clock.nowMs += 1000;
    expect(await open(path, boxapi)).toMatchObject(NOT_FOUND);
    expect(await share(path, { unshared_at: null, access: 'collaborators' })).toMatchObject({
      effective_access: 'collaborators',
      effective_permission: 'can_preview',
      unshared_at: null,
    });
    expect(await open(path, boxapi)).toMatchObject(NOT_FOUND);
    expect(await get(emulator, path, token, { boxapi })).toMatchObject({ status: 200 });
  });

  test('has a vanity URL', async () => {
    const { id } = emulator.addFile({ name: 'plan.txt', content: 'The plan' });
    await share(`/2.0/files/${id}`, { vanity_name: 'my-shared-plan' });
    const boxapi = 'shared_link=https://app.box.com/v/my-shared-plan';
    expect(await open('/2.0/shared_items', boxapi)).toMatchObject({ json: { id } });
  });

  test.each([
    [{ access: 'company', password: 'Secret123@' }],
    [{ access: 'open', password: 'short1A' }],
    [{ access: 'open', password: 'longenough' }],
    [{ access: 'everybody' }],
  ])('is rejected with %j', async (link) => {
    const { id } = emulator.addFile({ name: 'plan.txt', content: 'The plan' });
    const json = { shared_link: link };
    expect(await send(emulator, `PUT /2.0/files/${id}`, token, { json })).toMatchObject({
      status: 400,
      json: { code: 'bad_request' },
    });
  });

  test('is named in the header boxapi', async () => {
    expect(await get(emulator, '/2.0/shared_items', token)).toMatchObject({ status: 400 });
  });
});
