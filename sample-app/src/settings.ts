import { randomBytes } from 'node:crypto';
import { type BoxEmulator, type EmulatedUser } from 'nestjs-box-auth/testing';
import { MemoryWebhookDeliveries } from 'nestjs-box-auth/webhooks';
import {
  CALLBACK_PATH,
  type EmulatedApp,
  withEmulatedApp,
  withOwnApp,
} from './connection/connection-options.js';
import { type BreakableBox } from './emulated-box/breakable-box.js';
import { EmulatedBox } from './emulated-box/emulated-box.js';
import { LinkedBox, type ProcessLink } from './emulated-box/linked-box.js';
import { type Environment, portIn, SettingsError } from './environment.js';
import { type PortalOptions } from './portal.options.js';
import { tokenStoreIn } from './tokens/shared-tokens.js';
import { WEBHOOK_PATH } from './webhooks/webhook-body.js';
import { type DemoUser, DemoUsers } from './sign-in/demo-users.js';

/** The app listens on loopback only: every visitor can sign in as any demo user. */
export const HOST = '127.0.0.1';

/** Whether the environment has credentials for the real Box. Without them, the app uses an emulator. */
export function hasCredentials(environment: Environment): boolean {
  return ['BOX_CONFIG_FILE', 'BOX_CONFIG', 'BOX_CLIENT_ID'].some((name) =>
    environment[name]?.trim(),
  );
}

/** Contains no credentials: the modules read them from the environment themselves. */
export async function onRealBox(environment: Environment): Promise<PortalOptions> {
  const hasKeys = ['BOX_WEBHOOK_PRIMARY_KEY', 'BOX_WEBHOOK_SECONDARY_KEY'].some((name) =>
    environment[name]?.trim(),
  );
  const shared = await tokenStoreIn(environment, environment['BOX_STORE_SECRET'] ?? '');
  return {
    box: { apiRetries: true, store: shared?.store },
    users: new DemoUsers(demoUsersIn(environment['DEMO_USERS'])),
    connections: await withOwnApp(environment),
    webhooks: hasKeys ? { deliveries: new MemoryWebhookDeliveries() } : undefined,
    otherProcess: environment['OTHER_PROCESS'],
    onShutdown: async () => shared?.close(),
  };
}

/** The emulator of the first process, as the second one uses it. */
export interface SharedEmulator extends Omit<EmulatedApp, 'redirectUri'> {
  readonly config: BoxEmulator['config'];
}

/** A portal on an emulator of this process. */
export interface EmulatedPortal extends PortalOptions {
  readonly emulatedBox: EmulatedBox;
  readonly shared: SharedEmulator;
}

/** Starts an emulator with the demo users in their enterprises, which stops with the app. */
export async function onEmulator(environment: Environment): Promise<EmulatedPortal> {
  const demoUsers = emulatedUsersIn(environment);
  const { enterpriseIds } = new DemoUsers(demoUsers);
  const emulatedBox = await EmulatedBox.start({
    redirectUris: [redirectUriIn(environment)],
    users: emulatedUsers(demoUsers, undefined),
    enterprises: enterpriseIds.map((id) => ({ id, users: emulatedUsers(demoUsers, id) })),
  });
  const { emulator, time: runtime } = emulatedBox;
  const { url: apiUrl, config, oauthApp, webhooks } = emulator;
  const secret = randomBytes(32).toString('base64');
  const shared = { apiUrl, config, oauthApp, secret };
  const portal = await emulatedPortal(environment, shared, emulatedBox);
  return {
    ...portal,
    emulatedBox,
    shared,
    webhooks: { ...webhooks.keys, deliveries: new MemoryWebhookDeliveries(), runtime },
    onListening: (url) => addInboxes(demoUsers, url + WEBHOOK_PATH, emulator),
    onShutdown: async () => {
      await portal.onShutdown?.();
      await emulatedBox.stop();
    },
  };
}

/** Uses the emulator of another process, which also receives the webhooks. */
export function onSharedEmulator(
  environment: Environment,
  shared: SharedEmulator,
  link: ProcessLink,
): Promise<PortalOptions> {
  return emulatedPortal(environment, shared, new LinkedBox(link));
}

async function emulatedPortal(
  environment: Environment,
  { config, ...app }: SharedEmulator,
  emulatedBox: BreakableBox,
): Promise<PortalOptions> {
  const { apiUrl, secret } = app;
  const { time: runtime } = emulatedBox;
  const ownApp = await withOwnApp(environment);
  const redirectUri = redirectUriIn(environment);
  const emulatedApp = {
    ...(await withEmulatedApp({ ...app, redirectUri }, environment)),
    apiRetries: true,
    runtime,
  };
  const store = await tokenStoreIn(environment, secret);
  return {
    box: { apiUrl, credentials: { config }, apiRetries: true, runtime, store: store?.store },
    users: new DemoUsers(emulatedUsersIn(environment)),
    // Box has to know where to send people back to, so a free port is not enough.
    connections: ownApp ?? (portIn(environment) === 0 ? undefined : emulatedApp),
    emulatedBox,
    callsPerSecond: 10,
    otherProcess: environment['OTHER_PROCESS'],
    onShutdown: async () => store?.close(),
  };
}

function redirectUriIn(environment: Environment): string {
  return `http://${HOST}:${portIn(environment)}${CALLBACK_PATH}`;
}

function emulatedUsersIn({ DEMO_USERS }: Environment): Readonly<Record<string, DemoUser>> {
  return demoUsersIn(DEMO_USERS?.trim() || 'alice:11111,bob:22222,carol:33333@7654321');
}

/** Gives each user a folder with a webhook, so that the page is updated when a file arrives there. */
function addInboxes(
  demoUsers: Readonly<Record<string, DemoUser>>,
  address: string,
  emulator: BoxEmulator,
): void {
  for (const { boxId: userId } of Object.values(demoUsers)) {
    const { id } = emulator.addFolder({ name: 'Inbox', ownerId: userId });
    emulator.webhooks.add({
      target: { type: 'folder', id },
      address,
      triggers: ['FILE.UPLOADED', 'FILE.RENAMED', 'FILE.TRASHED', 'FOLDER.CREATED'],
      userId,
    });
  }
}

/** The demo users of one enterprise. */
function emulatedUsers(
  demoUsers: Readonly<Record<string, DemoUser>>,
  enterprise: string | undefined,
): readonly EmulatedUser[] {
  return Object.entries(demoUsers)
    .filter(([, { enterpriseId }]) => enterpriseId === enterprise)
    .map(([name, { boxId }]) => ({
      id: boxId,
      name: name.charAt(0).toUpperCase() + name.slice(1),
      login: `${name}@example.com`,
    }));
}

/** Parses `alice:123,carol:789@7654321`: names, Box user ids and, for users of another tenant, its enterprise id. */
function demoUsersIn(text = ''): Record<string, DemoUser> {
  const entries = text
    .split(',')
    .map((entry) => entry.trim())
    .filter((entry) => entry !== '')
    .map((entry) => {
      const [, name, boxId, enterpriseId] =
        /^([a-z0-9-]+):(\d{1,20})(?:@(\d{1,20}))?$/.exec(entry) ?? [];
      if (name !== undefined && boxId !== undefined)
        return [name, { boxId, enterpriseId }] as const;
      throw new SettingsError(
        `Invalid DEMO_USERS: expected entries such as "alice:123,carol:789@7654321", received "${entry}".`,
      );
    });
  return Object.fromEntries(entries);
}
