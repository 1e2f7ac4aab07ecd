import { DownloadOrigin } from '../http/download-origin.js';
import { EmulatorClock } from '../http/emulator-clock.js';
import { EmulatorServers } from '../http/emulator-servers.js';
import { FaultQueue, type FaultTarget, type TokenHook } from '../http/faults.js';
import { RequestLog } from '../http/request-log.js';
import { checkLifetime, TokenLedger } from '../http/token-ledger.js';
import { ApiOrigin } from './api-origin.js';
import { boxResponses } from './box-responses.js';
import { EmulatedApi } from './emulated-api.js';
import { type EmulatedConfig, EmulatedApp, type EmulatedUser } from './emulated-app.js';
import { EmulatedDrive } from './emulated-drive.js';
import { type EmulatedGrant, EmulatedTokenEndpoint } from './emulated-token-endpoint.js';

/** The options of `BoxEmulator.start`. */
export interface BoxEmulatorOptions {
  /** The port of `url`. Default 0: a free port. `downloadUrl` always has a free port. */
  readonly port?: number;
  /**
   * The app to emulate: the `config` of another emulator, or a `config.json` of Box. By default a new app; its key takes
   * most of the start-up time.
   */
  readonly config?: EmulatedConfig;
  /** The emulator's clock, in ms since the epoch. Default `Date.now`. */
  readonly now?: () => number;
  /** How far Box's clock is ahead of `now`, in ms. Default 0. */
  readonly clockSkewMs?: number;
  /** The lifetime of access tokens, in seconds. Default 3600. For null and 0 see `BoxEmulator.tokenLifetimeS`. */
  readonly tokenLifetimeS?: number | null;
  /** The grants that the app may use. Default `'all'`. */
  readonly grants?: 'all' | readonly EmulatedGrant[];
  /** The users of the enterprise, besides the service account. Default: Alice (`'11111'`) and Bob (`'22222'`). */
  readonly users?: readonly EmulatedUser[];
  /** See `BoxEmulator.onToken`. */
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
  readonly faults: FaultQueue<FaultTarget>;
  readonly ledger: TokenLedger;
  readonly log: RequestLog;
  readonly servers: EmulatorServers<ApiOrigin>;
  readonly tokenEndpoint: EmulatedTokenEndpoint;
}

/** Creates the parts of an emulator and starts both servers. */
export async function assembleEmulator(options: BoxEmulatorOptions): Promise<EmulatorParts> {
  const { port = 0, now = () => Date.now(), clockSkewMs = 0, grants = 'all' } = options;
  const lifetimeS = checkLifetime(options.tokenLifetimeS);
  const app = await EmulatedApp.create(options.config);
  const clock = new EmulatorClock(now, clockSkewMs);
  const drive = new EmulatedDrive(clock, app.users);
  drive.addSampleItems(app.serviceAccount);
  for (const user of options.users ?? DEFAULT_USERS) {
    app.addUser(user);
    drive.addSampleItems(user);
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
      tokenEndpoint,
      stopSignal,
    };
    return {
      downloads: new DownloadOrigin(shared, drive),
      api: (downloadUrl) =>
        new ApiOrigin({ ...shared, api: new EmulatedApi(app, drive, downloadUrl) }),
    };
  });
  return { app, clock, drive, faults, ledger, log, servers, tokenEndpoint };
}
