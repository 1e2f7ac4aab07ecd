import { DownloadOrigin } from '../http/download-origin.js';
import { EmulatorClock } from '../http/emulator-clock.js';
import { EmulatorServers } from '../http/emulator-servers.js';
import { FaultQueue, type TokenHook } from '../http/faults.js';
import { RequestLog } from '../http/request-log.js';
import { checkLifetime, TokenLedger } from '../http/token-ledger.js';
import { type WorkfrontFaultTarget, WorkfrontOrigin } from './api-origin.js';
import { AttaskApi } from './emulated-api.js';
import { WorkfrontApplication, type WorkfrontCredentials } from './emulated-app.js';
import { AttaskObjects } from './emulated-objects.js';
import { ExchangeEndpoint } from './emulated-token-endpoint.js';
import type { WorkfrontRefusal } from './refusals.js';
import { workfrontResponses } from './workfront-responses.js';

/**
 * The options of `WorkfrontEmulator.start`. Missing credentials are generated; a new key takes most of the start-up time.
 */
export interface WorkfrontEmulatorOptions extends Partial<WorkfrontCredentials> {
  /** The port of `url`. Default 0: a free port. `downloadUrl` always has a free port. */
  readonly port?: number;
  /** The emulator's clock, in ms since the epoch. Default `Date.now`. */
  readonly now?: () => number;
  /** How far Workfront's clock is ahead of `now`, in ms. Default 0. */
  readonly clockSkewMs?: number;
  /** The lifetime of sessions, in seconds. Default null. For null and 0 see `WorkfrontEmulator.sessionLifetimeS`. */
  readonly sessionLifetimeS?: number | null;
  /** See `WorkfrontEmulator.maxConcurrentApiRequests`. Default 10. */
  readonly maxConcurrentApiRequests?: number;
  /** See `WorkfrontEmulator.onExchange`. */
  readonly onExchange?: TokenHook;
}

export interface WorkfrontParts {
  readonly application: WorkfrontApplication;
  readonly clock: EmulatorClock;
  readonly endpoint: ExchangeEndpoint;
  readonly faults: FaultQueue<WorkfrontFaultTarget>;
  readonly log: RequestLog;
  readonly refusals: WorkfrontRefusal[];
  readonly servers: EmulatorServers<WorkfrontOrigin>;
  readonly sessions: TokenLedger;
}

/** Creates the parts of an emulator and starts both servers. */
export async function assembleWorkfront(
  options: WorkfrontEmulatorOptions,
): Promise<WorkfrontParts> {
  const { port = 0, now = () => Date.now(), clockSkewMs = 0 } = options;
  const { maxConcurrentApiRequests = 10, sessionLifetimeS = null } = options;
  const lifetimeS = checkLifetime(sessionLifetimeS);
  const application = await WorkfrontApplication.create(options);
  const clock = new EmulatorClock(now, clockSkewMs);
  const objects = new AttaskObjects(clock, application.credentials.userId);
  const sessions = new TokenLedger(clock);
  const endpoint = new ExchangeEndpoint({ application, clock, sessions, lifetimeS });
  const faults = new FaultQueue<WorkfrontFaultTarget>();
  const log = new RequestLog();
  const refusals: WorkfrontRefusal[] = [];
  const parts = { application, clock, endpoint, faults, log, refusals, sessions };

  const servers = await EmulatorServers.listen(port, (stopSignal) => {
    const shared = { ...parts, responses: workfrontResponses, stopSignal };
    return {
      downloads: new DownloadOrigin(shared, objects),
      api: (downloadUrl) =>
        new WorkfrontOrigin(
          { ...shared, api: new AttaskApi(objects, downloadUrl) },
          maxConcurrentApiRequests,
        ),
    };
  });
  return { ...parts, servers };
}
