import { randomBytes } from 'node:crypto';
import { type Runtime, systemRuntime } from '../../../core/runtime/runtime.js';
import type { EmulatorClock } from '../../http/emulator-clock.js';
import type { EmulatedDrive } from '../drive/emulated-drive.js';
import type { ItemJson } from '../drive/item-json.js';
import type { EmulatedApp } from '../emulated-app.js';
import type { EmulatedOAuth } from '../oauth/emulated-oauth.js';
import { EmulatedWebhooks } from './emulated-webhooks.js';
import { WebhookEvents } from './webhook-events.js';
import { WebhookRegister } from './webhook-register.js';
import { type EmulatedWebhookKeys, WebhookSender } from './webhook-sender.js';

interface WebhookOptions {
  readonly webhookKeys?: EmulatedWebhookKeys;
  readonly runtime?: Pick<Runtime, 'schedule'>;
}

interface EmulatedBox {
  readonly app: EmulatedApp;
  readonly clock: EmulatorClock;
  readonly drive: EmulatedDrive;
  readonly json: ItemJson;
  readonly oauth: EmulatedOAuth;
}

/** The webhooks of the app, and all that delivers them. */
export function assembleWebhooks(
  { webhookKeys = newKeys(), runtime = systemRuntime }: WebhookOptions,
  { app, clock, drive, json, oauth }: EmulatedBox,
) {
  const { enterprises, users } = app;
  const register = new WebhookRegister(clock);
  const sender = new WebhookSender(webhookKeys, { clock, runtime });
  const events = new WebhookEvents({
    drive,
    json,
    users,
    webhooks: register,
    sender,
    hasSession({ connectionId, userId }) {
      if (connectionId !== undefined) return oauth.connections.isActive(connectionId);
      const enterpriseId = users.get(userId)?.enterpriseId;
      return enterpriseId !== undefined && enterprises.get(enterpriseId).authorized;
    },
  });
  const { serviceAccountId } = enterprises.get(app.enterpriseId);
  const webhooks = new EmulatedWebhooks({ drive, register, sender, serviceAccountId });
  return { events, register, sender, webhooks };
}

function newKeys(): EmulatedWebhookKeys {
  return { primaryKey: newKey(), secondaryKey: newKey() };
}

function newKey(): string {
  return randomBytes(24).toString('base64url');
}
