import { EventEmitter } from 'node:events';
import type { BoxEmulator } from 'nestjs-box-auth/testing';
import { afterEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { createApp } from '../../sample-app/src/create-app.js';
import type { PortalOptions } from '../../sample-app/src/portal.options.js';
import { onEmulator, onRealBox, onSharedEmulator } from '../../sample-app/src/settings.js';
import { Browser } from '../support/connections-app.js';
import { engines } from '../support/sql-databases.js';
import { ALICE, ask, entriesIn, startEmulator } from './portal-fixture.js';

const REDIRECT_URI = 'http://localhost:3000/box/callback';

describe('The settings of connections', () => {
  afterEach(() => {
    vi.unstubAllEnvs();
  });

  test.each([
    ['0', undefined],
    ['3000', 'http://127.0.0.1:3000/box/callback'],
  ])('lead people back to port %s of the portal', async (PORT, redirectUri) => {
    const { connections, onShutdown } = await onEmulator({ PORT });
    await onShutdown?.();
    expect(connections?.redirectUri).toBe(redirectUri);
  });

  test('use an OAuth app of the real Box next to the emulator', async () => {
    const { connections, onShutdown } = await onEmulator({
      PORT: '0',
      BOX_OAUTH_CLIENT_ID: 'client',
      BOX_OAUTH_REDIRECT_URI: REDIRECT_URI,
    });
    await onShutdown?.();
    expect(connections).toMatchObject({ redirectUri: REDIRECT_URI });
    expect(connections?.apiUrl).toBeUndefined();
  });

  test('are off at the real Box without an OAuth app', async () => {
    expect(await onRealBox({ BOX_OAUTH_CLIENT_ID: ' ' })).toMatchObject({ connections: undefined });
  });

  test('reject a database that is not PostgreSQL', async () => {
    const DATABASE_URL = 'mysql://root@127.0.0.1/app';
    const settings = onRealBox({ BOX_OAUTH_CLIENT_ID: 'client', DATABASE_URL });
    await expect(settings).rejects.toThrow(
      'Invalid DATABASE_URL: expected an address that begins with postgres://.',
    );
  });

  engines.PostgreSQL.describe('in PostgreSQL', () => {
    test('are shared by two processes on one emulator', async () => {
      const database = await engines.PostgreSQL.create();
      onTestFinished(() => database.drop());
      const PORT = '3000';
      const link = new EventEmitter();
      const portal = await onEmulator({ PORT, DATABASE_URL: database.url });
      const first = await serve(portal);
      const options = await onSharedEmulator(
        { PORT, DATABASE_URL: database.url },
        portal.shared,
        link,
      );
      const second = await serve(options);
      const { emulator } = portal.emulatedBox;
      const browser = new Browser(first.url);
      browser.cookies.set('demo-user', 'alice');
      await browser.get(emulator.consent(await browser.begin(), { userId: ALICE.id }));
      const items = await ask(`${second.url}/api/connection/items`, { as: 'alice' });
      expect(entriesIn(items).map(({ name }) => name)).toContain("Alice's notes.txt");
      expect(emulator.tokenRequests.map(({ body }) => body?.['grant_type'])).toEqual([
        'authorization_code',
      ]);
      await second.close();
      await first.close();
    });

    test('keep connections over a restart', async () => {
      const database = await engines.PostgreSQL.create();
      onTestFinished(() => database.drop());
      const emulator = await startEmulator();
      stubEnvironment(emulator, database.url);

      const first = await start();
      const browser = new Browser(first.url);
      browser.cookies.set('demo-user', 'alice');
      await browser.get(emulator.consent(await browser.begin(), { userId: ALICE.id }));
      await first.close();

      const second = await start();
      const items = await ask(`${second.url}/api/connection/items`, { as: 'alice' });
      expect(entriesIn(items).map(({ name }) => name)).toContain("Alice's notes.txt");
      await second.close();
    });
  });
});

function stubEnvironment({ config, oauthApp, url }: BoxEmulator, database: string): void {
  const environment = {
    BOX_CONFIG: JSON.stringify(config),
    BOX_API_URL: url,
    BOX_OAUTH_CLIENT_ID: oauthApp.clientId,
    BOX_OAUTH_CLIENT_SECRET: oauthApp.clientSecret,
    BOX_OAUTH_REDIRECT_URI: REDIRECT_URI,
    BOX_OAUTH_VAULT_SECRET: 'a secret of the vault, 0123456789abcdef',
    DEMO_USERS: `alice:${ALICE.id}`,
    DATABASE_URL: database,
  };
  for (const [name, value] of Object.entries(environment)) vi.stubEnv(name, value);
}

async function start() {
  return serve(await onRealBox(process.env));
}

async function serve(portal: PortalOptions) {
  const app = await createApp('express', portal, { logger: false });
  await app.listen(0, '127.0.0.1');
  return { url: await app.getUrl(), close: () => app.close() };
}
