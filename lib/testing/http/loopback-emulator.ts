import type { EmulatorClock } from './emulator-clock.js';
import type { Fault, FaultQueue } from './faults.js';
import type { RecordedRequest, RequestLog } from './request-log.js';
import type { RouteHandler, Routes } from './routes.js';

interface LoopbackEmulatorParts<Target extends string> {
  readonly clock: EmulatorClock;
  readonly faults: FaultQueue<Target>;
  readonly log: RequestLog;
  readonly servers: {
    readonly url: string;
    readonly downloadUrl: string;
    readonly api: { readonly routes: Routes };
    stop(): Promise<void>;
  };
}

/** Two servers on loopback that emulate a service, with its clock, the requests that they received, and faults. */
export abstract class LoopbackEmulator<Target extends string> {
  /** The base URL of all endpoints of the service: `http://127.0.0.1:<port>`. */
  readonly url: string;
  /** The origin that downloads are redirected to. It rejects requests with credentials of the service. */
  readonly downloadUrl: string;

  readonly #parts: LoopbackEmulatorParts<Target>;

  /** @internal */
  protected constructor(parts: LoopbackEmulatorParts<Target>) {
    this.#parts = parts;
    ({ url: this.url, downloadUrl: this.downloadUrl } = parts.servers);
  }

  /** How far the clock of the service is ahead of `now`, in ms. It applies to `Date` headers, assertions and tokens. */
  get clockSkewMs(): number {
    return this.#parts.clock.skewMs;
  }
  set clockSkewMs(value: number) {
    this.#parts.clock.skewMs = value;
  }

  /** All requests to `url`, in order of arrival. */
  get requests(): readonly RecordedRequest[] {
    return this.#parts.log.of('authorize', 'token', 'revoke', 'exchange', 'api');
  }

  /** The requests to anything but the endpoints of tokens. */
  get apiRequests(): readonly RecordedRequest[] {
    return this.#parts.log.of('api');
  }

  /** All requests to `downloadUrl`. */
  get downloadRequests(): readonly RecordedRequest[] {
    return this.#parts.log.of('download');
  }

  /** Clears the recorded requests. The counts stay. */
  clearRequests(): void {
    this.#parts.log.clear();
  }

  /** Injects a fault into the next requests to a target; several calls queue up. */
  failNext(target: Target, fault: Fault, times = 1): void {
    this.#parts.faults.failNext(target, fault, times);
  }

  /** Injects a fault into all requests to a target until `heal`. The faults of `failNext` go first. */
  always(target: Target, fault: Fault): void {
    this.#parts.faults.always(target, fault);
  }

  /** Removes the faults of a target, or of all targets. */
  heal(target?: Target): void {
    this.#parts.faults.heal(target);
  }

  /** Adds or replaces a resource of `url`. */
  route(method: string, pathname: string, handler: RouteHandler): void {
    this.#parts.servers.api.routes.add(method, pathname, handler);
  }

  /** Closes both servers and every open connection. Calling it again has no effect. */
  stop(): Promise<void> {
    return this.#parts.servers.stop();
  }

  /** Calls `stop`, for `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }
}
