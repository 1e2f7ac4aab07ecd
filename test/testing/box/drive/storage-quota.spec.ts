import { expect, test } from 'vitest';
import { EmulatedDrive } from '../../../../lib/testing/box/drive/emulated-drive.js';
import { StorageQuota } from '../../../../lib/testing/box/drive/storage-quota.js';
import { UploadSessions } from '../../../../lib/testing/box/uploads/upload-sessions.js';
import { EmulatorClock } from '../../../../lib/testing/http/emulator-clock.js';

const USER = '11111';

function newDrive() {
  const clock = new EmulatorClock(() => 0, 0);
  const quota = new StorageQuota(10);
  const drive = new EmulatedDrive(clock, { get: () => ({ enterpriseId: '1' }) }, quota);
  return { drive, quota, sessions: new UploadSessions(clock, quota) };
}

test('The emulator keeps a limited number of bytes', () => {
  const { drive, quota } = newDrive();
  const file = drive.addFile({ name: 'a', content: '12345678', ownerId: USER });
  expect(() => drive.addFile({ name: 'b', content: '123', ownerId: USER })).toThrow(
    'The emulated Box is full: it keeps 10 bytes, 8 of which are in use, and cannot add 3',
  );
  expect(drive.itemsOf(USER)).toHaveLength(1);
  drive.purge(file);
  expect(quota.hasRoomFor(10)).toBe(true);
});

test('Versions, copies and folders count until they are deleted forever', () => {
  const { drive, quota } = newDrive();
  const folder = drive.addFolder({ name: 'f', ownerId: USER });
  const file = drive.addFile({ name: 'a', content: '12', parentId: folder.id, ownerId: USER });
  drive.addVersion(file, { name: 'a', content: '345' }, USER);
  expect(quota.hasRoomFor(6)).toBe(false);
  const copy = drive.copyFolder(folder, 'g', '0', USER);
  expect(quota.hasRoomFor(3)).toBe(false);
  expect(quota.hasRoomFor(2)).toBe(true);
  drive.purge(copy);
  expect(quota.hasRoomFor(5)).toBe(true);
  drive.purge(folder);
  expect(quota.hasRoomFor(10)).toBe(true);
});

test('Parts of uploads count until their session ends', () => {
  const { quota, sessions } = newDrive();
  const session = sessions.open({
    userId: USER,
    target: { folderId: '0' },
    fileName: 'a',
    fileBytes: 9,
  });
  const part = { offset: 0, sha1: '', content: Buffer.from('123456') };
  sessions.addPart(session, part);
  expect(quota.hasRoomFor(5)).toBe(false);
  sessions.close(session);
  expect(quota.hasRoomFor(10)).toBe(true);
});
