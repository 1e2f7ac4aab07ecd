import type { Runtime } from '../../core/runtime/runtime.js';
import { DownloadOrigin } from '../http/download-origin.js';
import { EmulatorClock } from '../http/emulator-clock.js';
import { EmulatorServers } from '../http/emulator-servers.js';
import { FaultQueue, type FaultTarget, type TokenHook } from '../http/faults.js';
import { RequestLog } from '../http/request-log.js';
import { checkLifetime, TokenLedger } from '../http/token-ledger.js';
import { ApiOrigin } from './api-origin.js';
import { EmulatedApi } from './api/emulated-api.js';
import { boxResponses } from './box-responses.js';
import { EmulatedDrive } from './drive/emulated-drive.js';
import { ItemJson } from './drive/item-json.js';
import { StorageQuota } from './drive/storage-quota.js';
import { type EmulatedConfig, EmulatedApp } from './emulated-app.js';
import { type EmulatedGrant, EmulatedTokenEndpoint } from './emulated-token-endpoint.js';
import type { EmulatedEnterprise } from './enterprise/emulated-enterprises.js';
import type { EmulatedUser } from './enterprise/emulated-users.js';
import { addEnterprise } from './enterprise/sample-accounts.js';
import { createOAuth, type EmulatedOAuth } from './oauth/emulated-oauth.js';
import type { EmulatedOAuthApp } from './oauth/oauth-client.js';
import { UploadSessions } from './uploads/upload-sessions.js';
import type { EmulatedWebhooks } from './webhooks/emulated-webhooks.js';
import { assembleWebhooks } from './webhooks/webhook-assembly.js';
import type { WebhookEvents } from './webhooks/webhook-events.js';
import type { EmulatedWebhookKeys, WebhookSender } from './webhooks/webhook-sender.js';

/** The options of `BoxEmulator.start`. */
export interface BoxEmulatorOptions {
  /** The port of `url`. Default 0: a free port. `downloadUrl` always has a free port. */
  readonly port?: number;
  /**
   * The app to emulate: the `config` of another emulator, or a `config.json` of Box. By default a new app; its key takes
   * most of the start-up time.
   */
  readonly config?: EmulatedConfig;
  /** The emulator's clock, in ms since the epoch. Default that of `runtime`, else `Date.now`. */
  readonly now?: () => number;
  /** How far Box's clock is ahead of `now`, in ms. Default 0. */
  readonly clockSkewMs?: number;
  /** The lifetime of access tokens, in seconds. Default 3600. For null and 0 see `BoxEmulator.tokenLifetimeS`. */
  readonly tokenLifetimeS?: number | null;
  /** The grants that the app may use. Default `'all'`. */
  readonly grants?: 'all' | readonly EmulatedGrant[];
  /**
   * The users of the enterprise in `config`, besides the service account. Default: Alice (`'11111'`) and Bob (`'22222'`).
   */
  readonly users?: readonly EmulatedUser[];
  /** Enterprises besides the one in `config`. Default: none. See `BoxEmulator.addEnterprise`. */
  readonly enterprises?: readonly EmulatedEnterprise[];
  /** The credentials of the OAuth app: the `oauthApp` of another emulator. Default: new ones. See `BoxEmulator.oauthApp`. */
  readonly oauthApp?: Pick<EmulatedOAuthApp, 'clientId' | 'clientSecret'>;
  /**
   * The redirect URIs of the OAuth app. Default: `http://localhost:3000/box/callback`. As at Box, the port of a URI on loopback
   * does not matter.
   */
  readonly redirectUris?: readonly string[];
  /** See `BoxEmulator.refreshGrace`. Default true. */
  readonly refreshGrace?: boolean;
  /** The signature keys of webhooks. Default: new ones. See `EmulatedWebhooks.keys`. */
  readonly webhookKeys?: EmulatedWebhookKeys;
  /** Time and timers, so that a test can reach the next attempt of a webhook without waiting. Default: the system's. */
  readonly runtime?: Pick<Runtime, 'now' | 'schedule'>;
  /** See `BoxEmulator.onToken`. */
  readonly onToken?: TokenHook;
}

const DEFAULT_USERS: readonly EmulatedUser[] = [
  { id: '11111', name: 'Alice', login: 'alice@example.com' },
  { id: '22222', name: 'Bob', login: 'bob@example.com' },
];

/** The emulator keeps the content of files in memory. */
const MAX_CONTENT_BYTES = 512 * 1024 * 1024;

export interface EmulatorParts {
  readonly app: EmulatedApp;
  readonly clock: EmulatorClock;
  readonly drive: EmulatedDrive;
  readonly faults: FaultQueue<FaultTarget>;
  readonly ledger: TokenLedger;
  readonly log: RequestLog;
  readonly oauth: EmulatedOAuth;
  readonly servers: EmulatorServers<ApiOrigin>;
  readonly tokenEndpoint: EmulatedTokenEndpoint;
  readonly webhooks: EmulatedWebhooks;
  readonly webhookEvents: WebhookEvents;
  readonly webhookSender: WebhookSender;
}

/** Creates the parts of an emulator and starts both servers. */
export async function assembleEmulator(options: BoxEmulatorOptions): Promise<EmulatorParts> {
  const { port = 0, clockSkewMs = 0, grants = 'all', runtime } = options;
  const { now = () => (runtime ?? Date).now() } = options;
  const lifetimeS = checkLifetime(options.tokenLifetimeS);
  const clock = new EmulatorClock(now, clockSkewMs);
  const app = await EmulatedApp.create(clock, options.config);
  const quota = new StorageQuota(MAX_CONTENT_BYTES);
  const drive = new EmulatedDrive(clock, app.users, quota);
  const json = new ItemJson(drive, app.users);
  const { users = DEFAULT_USERS, enterprises = [] } = options;
  const ownEnterprise = { id: app.enterpriseId, name: 'Emulated Enterprise', users };
  for (const enterprise of [ownEnterprise, ...enterprises]) {
    addEnterprise(enterprise, { app, drive });
  }
  const ledger = new TokenLedger(clock);
  const oauth = createOAuth(options, { app, clock, ledger });
  const tokenEndpoint = new EmulatedTokenEndpoint({
    app,
    clock,
    drive,
    json,
    ledger,
    oauth,
    grants,
    lifetimeS,
  });
  const { webhooks, ...webhookParts } = assembleWebhooks(options, {
    app,
    clock,
    drive,
    json,
    oauth,
  });
  const apiParts = {
    app,
    drive,
    json,
    sessions: new UploadSessions(clock, quota),
    webhooks: webhookParts.register,
    webhookEvents: webhookParts.events,
  };
  const faults = new FaultQueue<FaultTarget>();
  const log = new RequestLog();
  const servers = await EmulatorServers.listen(port, (stopSignal) => {
    const shared = {
      app,
      clock,
      responses: boxResponses,
      faults,
      ledger,
      log,
      oauth,
      tokenEndpoint,
      stopSignal,
    };
    return {
      downloads: new DownloadOrigin(shared, drive),
      api: (downloadUrl) =>
        new ApiOrigin({ ...shared, api: new EmulatedApi({ ...apiParts, downloadUrl }) }),
    };
  });
  return {
    app,
    clock,
    drive,
    faults,
    ledger,
    log,
    oauth,
    servers,
    tokenEndpoint,
    webhooks,
    webhookEvents: webhookParts.events,
    webhookSender: webhookParts.sender,
  };
}
