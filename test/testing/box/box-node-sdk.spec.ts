import { Readable } from 'node:stream';
import { BoxClient, BoxDeveloperTokenAuth } from 'box-node-sdk';
import { type BoxEmulator } from 'nestjs-box-auth/testing';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { mint } from './box-client.js';
import { startEmulator } from './emulator-fixture.js';

let emulator: BoxEmulator;
let box: BoxClient;
beforeEach(async () => {
  ({ emulator } = await startEmulator());
  const auth = new BoxDeveloperTokenAuth({ token: await mint(emulator) });
  box = new BoxClient({ auth }).withCustomBaseUrls({
    baseUrl: emulator.url,
    uploadUrl: `${emulator.url}/api`,
    oauth2Url: emulator.url,
  });
});
afterEach(() => emulator.stop());

const root = { id: '0' };
const streamOf = (content: string) => Readable.from([Buffer.from(content)]);

async function textOf(stream: Readable | undefined): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream ?? []) chunks.push(Buffer.from(chunk as Uint8Array));
  return Buffer.concat(chunks).toString();
}

async function upload(name: string, content: string): Promise<string> {
  const attributes = { name, parent: root };
  const { entries } = await box.uploads.uploadFile({ attributes, file: streamOf(content) });
  return entries?.[0]?.id ?? '';
}

describe('The official SDK', () => {
  test('uploads after a check, adds a version, and downloads', async () => {
    const attributes = { name: 'a.txt', size: 8, parent: root };
    const file = streamOf('The plan');
    const { entries } = await box.uploads.uploadWithPreflightCheck({ attributes, file });
    const id = entries?.[0]?.id ?? '';
    await box.uploads.uploadFileVersion(id, {
      attributes: { name: 'b.txt' },
      file: streamOf('Another plan'),
    });
    expect(await textOf((await box.downloads.downloadFile(id)) as Readable)).toBe('Another plan');
    const versions = await box.fileVersions.getFileVersions(id);
    expect(versions.entries?.map(({ name }) => name)).toEqual(['a.txt']);
  });

  test('uploads a large file in chunks', async () => {
    const content = 'x'.repeat(20_000_000);
    const size = content.length;
    const file = await box.chunkedUploads.uploadBigFile(streamOf(content), 'big.txt', size, '0');
    expect(file).toMatchObject({ name: 'big.txt', size });
  });

  test('creates, changes, copies, deletes and restores', async () => {
    const { id } = await box.folders.createFolder({ name: 'Plans', parent: root });
    const fileId = await upload('a.txt', 'The plan');
    const requestBody = { name: 'b.txt', parent: { id } };
    const moved = await box.files.updateFileById(fileId, { requestBody });
    expect(moved).toMatchObject({ name: 'b.txt', parent: { id } });
    const copy = await box.folders.copyFolder(id, { name: 'Copy', parent: root });
    const items = await box.folders.getFolderItems(copy.id);
    expect(items.entries?.map(({ name }) => name)).toEqual(['b.txt']);
    await box.files.deleteFileById(fileId);
    expect((await box.trashedItems.getTrashedItems()).entries).toHaveLength(1);
    const restored = await box.trashedFiles.restoreFileFromTrash(fileId);
    expect(restored).toMatchObject({ id: fileId, itemStatus: 'active' });
  });

  test('shares a file', async () => {
    const fileId = await upload('a.txt', 'The plan');
    const fields = { fields: 'shared_link' };
    const sharedLink = { access: 'open', password: 'Secret123@' } as const;
    const shared = await box.sharedLinksFiles.addShareLinkToFile(fileId, { sharedLink }, fields);
    const boxapi = `shared_link=${shared.sharedLink?.url}&shared_link_password=Secret123@`;
    const asAlice = box.withAsUserHeader('11111');
    const found = await asAlice.sharedLinksFiles.findFileForSharedLink({}, { boxapi });
    expect(found.id).toBe(fileId);
  });

  test('manages users and webhooks', async () => {
    const user = await box.users.createUser({ name: 'App', isPlatformAccessOnly: true });
    expect(await box.withAsUserHeader(user.id).users.getUserMe()).toMatchObject({ name: 'App' });
    await box.users.deleteUserById(user.id);
    const { id } = await box.folders.createFolder({ name: 'Plans', parent: root });
    const webhook = await box.webhooks.createWebhook({
      target: { id, type: 'folder' },
      address: 'https://example.com/hook',
      triggers: ['FILE.UPLOADED'],
    });
    expect((await box.webhooks.getWebhooks()).entries).toMatchObject([{ id: webhook.id }]);
  });
});
