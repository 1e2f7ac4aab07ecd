import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { BoxEmulator } from 'nestjs-box-auth/testing';
import { EmulatedApi } from '../../lib/testing/box/api/emulated-api.js';
import { EmulatedDrive } from '../../lib/testing/box/drive/emulated-drive.js';
import { ItemJson } from '../../lib/testing/box/drive/item-json.js';
import { StorageQuota } from '../../lib/testing/box/drive/storage-quota.js';
import { EmulatedApp } from '../../lib/testing/box/emulated-app.js';
import { UploadSessions } from '../../lib/testing/box/uploads/upload-sessions.js';
import { WebhookEvents } from '../../lib/testing/box/webhooks/webhook-events.js';
import { WebhookRegister } from '../../lib/testing/box/webhooks/webhook-register.js';
import { EmulatorClock } from '../../lib/testing/http/emulator-clock.js';
import { startServer } from '../support/loopback-server.js';
import { exampleIn, namesUnder, run } from './example.js';

const PAGE = 'docs/emulator.md';

let box: BoxEmulator;
beforeAll(async () => {
  box = await BoxEmulator.start();
});
afterAll(() => box.stop());

async function endpointNames(): Promise<readonly string[]> {
  const clock = new EmulatorClock(Date.now, 0);
  const app = await EmulatedApp.create(clock, box.config);
  const quota = new StorageQuota(0);
  const drive = new EmulatedDrive(clock, app.users, quota);
  const json = new ItemJson(drive, app.users);
  const sessions = new UploadSessions(clock, quota);
  const webhooks = new WebhookRegister(clock);
  const webhookEvents = new WebhookEvents({
    drive,
    json,
    webhooks,
    users: app.users,
    sender: { send: () => undefined },
    hasSession: () => true,
  });
  return new EmulatedApi({
    app,
    drive,
    json,
    sessions,
    webhooks,
    webhookEvents,
    downloadUrl: '',
  }).endpoints;
}

describe('The page about the emulator', () => {
  it('lists every endpoint, and no other', async () => {
    const oauth = ['POST /oauth2/token', 'POST /oauth2/revoke'];
    const authorize = ['GET /api/oauth2/authorize', 'POST /api/oauth2/authorize'];
    const served = [...oauth, ...authorize, ...(await endpointNames())];
    expect(namesUnder(PAGE, 'Endpoint').toSorted()).toEqual(served.toSorted());
  });

  it.each(namesUnder(PAGE, 'Member'))('lists %s, which the emulator has', (member) => {
    expect(member in box).toBe(true);
  });

  it('shows how to start an emulator', async () => {
    const exported = await run(exampleIn(PAGE, 'tokenLifetimeS'));
    const emulator = exported['emulator'] as BoxEmulator;
    expect(emulator.tokenLifetimeS).toBe(60);
    await emulator.stop();
  });

  it('shows how to emulate several enterprises', async () => {
    await expect(run(exampleIn(PAGE, 'deauthorize'))).resolves.toEqual({});
  });

  it('shows how to connect the account of a person', async () => {
    await expect(run(exampleIn(PAGE, 'consent'))).resolves.toEqual({});
  });

  it('shows how to receive webhooks', async () => {
    const app = await startServer((_request, response) => response.writeHead(204).end());
    onTestFinished(() => app.stop());
    await run(exampleIn(PAGE, 'redeliver'), { app });
    expect(app.arrived.map(({ path }) => path)).toEqual(['/webhooks/box', '/webhooks/box']);
  });

  it('shows how to simulate failures', async () => {
    await expect(run(exampleIn(PAGE, 'failNext', 'heal'))).resolves.toEqual({});
  });
});
