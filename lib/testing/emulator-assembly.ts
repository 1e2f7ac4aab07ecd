import { setMaxListeners } from 'node:events';
import { ApiOrigin, type TokenHook } from './api-origin.js';
import { DownloadOrigin } from './download-origin.js';
import { EmulatedApi } from './emulated-api.js';
import { type BoxConfigJson, EmulatedApp, type EmulatedUser } from './emulated-app.js';
import { EmulatedDrive } from './emulated-drive.js';
import { type EmulatedGrant, EmulatedTokenEndpoint } from './emulated-token-endpoint.js';
import { EmulatorClock } from './emulator-clock.js';
import { FaultPlan } from './faults.js';
import { LoopbackServer } from './loopback-server.js';
import { RequestLog } from './request-log.js';
import { TokenLedger } from './token-ledger.js';

/** How a `BoxEmulator` starts. */
export interface BoxEmulatorOptions {
  /** The port of `url`; the default 0 takes a free one. `downloadUrl` always has a free one. */
  readonly port?: number;
  /**
   * The app to emulate: the `config` of another emulator, or a `config.json` of Box. By default a new one with a new key,
   * which takes most of the time that starting takes.
   */
  readonly config?: BoxConfigJson;
  /** The emulator's own time, in ms since the epoch. Default `Date.now`. */
  readonly now?: () => number;
  /** How far Box's clock is ahead of `now`, in ms. Default 0. */
  readonly clockSkewMs?: number;
  /** How long access tokens live, in seconds. Default 3600; null and 0 as in `BoxEmulator.tokenLifetimeS`. */
  readonly tokenLifetimeS?: number | null;
  /** What the app may use at the token endpoint. Default `'all'`. */
  readonly grants?: 'all' | readonly EmulatedGrant[];
  /** Who is in the enterprise, besides the service account. Default: Alice, id `'11111'`, and Bob, id `'22222'`. */
  readonly users?: readonly EmulatedUser[];
  /** As `BoxEmulator.onToken`. */
  readonly onToken?: TokenHook;
}

const DEFAULT_USERS: readonly EmulatedUser[] = [
  { id: '11111', name: 'Alice', login: 'alice@example.com' },
  { id: '22222', name: 'Bob', login: 'bob@example.com' },
];

export interface EmulatorParts {
  readonly app: EmulatedApp;
  readonly clock: EmulatorClock;
  readonly drive: EmulatedDrive;
  readonly faults: FaultPlan;
  readonly ledger: TokenLedger;
  readonly log: RequestLog;
  readonly origin: ApiOrigin;
  /** The one of the API, then the one of the downloads. */
  readonly servers: readonly [LoopbackServer, LoopbackServer];
  readonly stopping: AbortController;
  readonly tokenEndpoint: EmulatedTokenEndpoint;
}

/** Builds the parts of an emulator on one another; both servers listen when it is done. */
export async function assembleEmulator(options: BoxEmulatorOptions): Promise<EmulatorParts> {
  const { port = 0, now = () => Date.now(), clockSkewMs = 0, grants = 'all' } = options;
  const lifetimeS = checkLifetime(options.tokenLifetimeS);
  const app = await EmulatedApp.create(options.config);
  const clock = new EmulatorClock(now, clockSkewMs);
  const drive = new EmulatedDrive(clock, app.users);
  drive.furnish(app.serviceAccount);
  for (const user of options.users ?? DEFAULT_USERS) {
    app.addUser(user);
    drive.furnish(user);
  }
  const ledger = new TokenLedger(clock);
  const tokenEndpoint = new EmulatedTokenEndpoint({
    app,
    clock,
    drive,
    ledger,
    grants,
    lifetimeS,
  });
  const faults = new FaultPlan();
  const log = new RequestLog();
  const stopping = new AbortController();
  // Every request that is held listens to it.
  setMaxListeners(0, stopping.signal);
  const shared = { app, clock, faults, ledger, log, tokenEndpoint, stopSignal: stopping.signal };

  const downloads = new DownloadOrigin(shared, drive);
  const downloadServer = await LoopbackServer.listen(0, (...args) => downloads.serve(...args));
  const api = new EmulatedApi(app, drive, downloadServer.url);
  const origin = new ApiOrigin({ ...shared, api });
  const server = await LoopbackServer.listen(port, (...args) => origin.serve(...args)).catch(
    async (error: unknown) => {
      await downloadServer.stop();
      throw error;
    },
  );
  return { ...shared, drive, origin, servers: [server, downloadServer], stopping };
}

export function checkLifetime(lifetimeS: number | null = 3600): number | null {
  if (lifetimeS === null || (Number.isSafeInteger(lifetimeS) && lifetimeS >= 0)) return lifetimeS;
  throw new RangeError(`A token lifetime is a whole number of seconds, or null: ${lifetimeS}`);
}
