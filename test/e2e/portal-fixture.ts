import { type Server } from 'node:http';
import { type INestApplication, type NestApplicationOptions } from '@nestjs/common';
import { type BoxAuthModuleOptions } from 'nestjs-box-auth';
import { BoxEmulator, type EmulatedEnterprise, type EmulatedUser } from 'nestjs-box-auth/testing';
import { MemoryWebhookDeliveries } from 'nestjs-box-auth/webhooks';
import { onTestFinished } from 'vitest';
import { createApp, type Platform } from '../../sample-app/src/create-app.js';
import { withEmulatedApp } from '../../sample-app/src/connection/connection-options.js';
import { DemoUsers } from '../../sample-app/src/sign-in/demo-users.js';

export const PLATFORMS: readonly Platform[] = ['express', 'fastify'];

export const ALICE = { id: '11111', name: 'alice', login: 'alice@example.com' };
export const BOB = { id: '22222', name: 'bob', login: 'bob@example.com' };

export interface Portal {
  readonly url: string;
  readonly app: INestApplication<Server>;
  readonly emulator: BoxEmulator;
  readonly ask: (path: string, request?: PortalRequest) => Promise<ReadResponse>;
}

export interface PortalRequest extends Omit<RequestInit, 'headers'> {
  /** The signed-in user. */
  readonly as?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface ReadResponse {
  readonly status: number;
  readonly headers: Headers;
  readonly bytes: Buffer;
  readonly text: string;
  /** Undefined when the body is not JSON. */
  readonly json: unknown;
}

export interface PortalSetting {
  /** The users of the enterprise of the credentials, who can sign in by name. */
  readonly users?: readonly EmulatedUser[];
  /** Other enterprises. Their users can sign in too. */
  readonly enterprises?: readonly EmulatedEnterprise[];
  /** Further options of `BoxAuthModule`. */
  readonly box?: BoxAuthModuleOptions;
  readonly nest?: NestApplicationOptions;
  /** The redirect URI of the emulated OAuth app, with which users connect accounts of their own. */
  readonly redirectUri?: string;
}

const SECRET = 'a secret of the vault, 0123456789abcdef';

let config: BoxEmulator['config'] | undefined;

/** Starts a portal with its own emulator; both stop after the test. */
export async function startPortal(
  platform: Platform,
  { users = [ALICE, BOB], enterprises = [], box, nest, redirectUri }: PortalSetting = {},
): Promise<Portal> {
  const emulator = await startEmulator(users, enterprises);
  const { url: apiUrl, oauthApp } = emulator;
  const rows = [
    ...users.map(({ name, id }) => [name, { boxId: id }] as const),
    ...enterprises.flatMap((tenant) =>
      (tenant.users ?? []).map(
        ({ name, id }) => [name, { boxId: id, enterpriseId: tenant.id }] as const,
      ),
    ),
  ];
  const portal = {
    box: { apiUrl: emulator.url, credentials: { config: emulator.config }, ...box },
    users: new DemoUsers(Object.fromEntries(rows)),
    connections:
      redirectUri === undefined
        ? undefined
        : await withEmulatedApp({ apiUrl, oauthApp, redirectUri, secret: SECRET }),
    webhooks: { ...emulator.webhooks.keys, deliveries: new MemoryWebhookDeliveries() },
  };
  const app = await createApp(platform, portal, { logger: false, ...nest });
  onTestFinished(() => app.close());
  await app.listen(0, '127.0.0.1');
  const url = await app.getUrl();
  return { url, app, emulator, ask: (path, request) => ask(url + path, request) };
}

/** Starts an emulator that stops after the test. The key is shared by the tests of a file. */
export async function startEmulator(
  users?: readonly EmulatedUser[],
  enterprises: readonly EmulatedEnterprise[] = [],
): Promise<BoxEmulator> {
  const emulator = await BoxEmulator.start({
    enterprises,
    ...(users !== undefined && { users }),
    ...(config !== undefined && { config }),
  });
  config ??= emulator.config;
  onTestFinished(() => emulator.stop());
  return emulator;
}

export async function ask(
  url: string,
  { as, headers, ...init }: PortalRequest = {},
): Promise<ReadResponse> {
  const response = await fetch(url, {
    ...init,
    redirect: 'manual',
    headers: { ...(as !== undefined && { 'x-demo-user': as }), ...headers },
  });
  const bytes = Buffer.from(await response.arrayBuffer());
  const text = bytes.toString();
  const isJson = response.headers.get('content-type')?.startsWith('application/json') === true;
  return {
    status: response.status,
    headers: response.headers,
    bytes,
    text,
    json: isJson ? (JSON.parse(text) as unknown) : undefined,
  };
}

/** The entries of a folder or of an upload. */
export function entriesIn({ json }: ReadResponse): readonly Record<string, unknown>[] {
  if (isRecord(json) && Array.isArray(json['entries'])) return json['entries'].filter(isRecord);
  throw new TypeError('The response has no entries.');
}

export function fieldIn({ json }: ReadResponse, name: string): unknown {
  return isRecord(json) ? json[name] : undefined;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
