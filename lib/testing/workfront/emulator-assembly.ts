import type { TokenHook } from '../box/api-origin.js';
import { DownloadOrigin } from '../http/download-origin.js';
import { EmulatorClock } from '../http/emulator-clock.js';
import { EmulatorServers } from '../http/emulator-servers.js';
import { FaultQueue } from '../http/faults.js';
import { RequestLog } from '../http/request-log.js';
import { checkLifetime, TokenLedger } from '../http/token-ledger.js';
import { AttaskApi } from './emulated-api.js';
import { AttaskObjects } from './emulated-objects.js';
import { ExchangeEndpoint } from './emulated-token-endpoint.js';
import { RefusalLog } from './refusals.js';
import { WorkfrontApplication, type WorkfrontCredentials } from './emulated-app.js';
import { workfrontResponses } from './workfront-responses.js';
import { type WorkfrontFaultTarget, WorkfrontOrigin } from './api-origin.js';

/**
 * How a `WorkfrontEmulator` starts. Each of the credentials that is left out is made anew; a new key takes most of the time
 * that starting takes.
 */
export interface WorkfrontEmulatorOptions extends Partial<WorkfrontCredentials> {
  /** The port of `url`; the default 0 takes a free one. `downloadUrl` always has a free one. */
  readonly port?: number;
  /** The emulator's own time, in ms since the epoch. Default `Date.now`. */
  readonly now?: () => number;
  /** How far Workfront's clock is ahead of `now`, in ms. Default 0. */
  readonly clockSkewMs?: number;
  /** How long sessions live, in seconds. Default null; null and 0 as in `WorkfrontEmulator.sessionLifetimeS`. */
  readonly sessionLifetimeS?: number | null;
  /** As `WorkfrontEmulator.maxConcurrentApiRequests`. Default 10. */
  readonly maxConcurrentApiRequests?: number;
  /** As `WorkfrontEmulator.onExchange`. */
  readonly onExchange?: TokenHook;
}

export interface WorkfrontParts {
  readonly application: WorkfrontApplication;
  readonly clock: EmulatorClock;
  readonly endpoint: ExchangeEndpoint;
  readonly faults: FaultQueue<WorkfrontFaultTarget>;
  readonly log: RequestLog;
  readonly refusals: RefusalLog;
  readonly servers: EmulatorServers<WorkfrontOrigin>;
  readonly sessions: TokenLedger;
}

/** Builds the parts of an emulator on one another; both servers listen when it is done. */
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
  const refusals = new RefusalLog();
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
