import type { MeterProvider, TracerProvider } from '@opentelemetry/api';
import { PACKAGE_VERSION } from '../core/runtime/package-version.js';
import {
  INSTRUMENTATION_SCOPE,
  instrumentBoxAuth,
  type TelemetryProviders,
} from './instrument-box-auth.js';

/** The configuration that all instrumentations of OpenTelemetry have, and an option of this one. */
export interface BoxAuthInstrumentationConfig {
  /** Whether the constructor starts the instrumentation. Default true. */
  enabled?: boolean;
  /** As in `instrumentBoxAuth`: whether to record the requests to the API, too. Default false. */
  apiRequests?: boolean;
}

/**
 * Runs `instrumentBoxAuth` under `NodeSDK` and `registerInstrumentations`, which set the providers, start and stop it. It
 * implements `Instrumentation` of `@opentelemetry/instrumentation` without that package.
 *
 * @example
 * ```ts
 * import { BoxAuthInstrumentation } from 'nestjs-box-auth/opentelemetry';
 *
 * // new NodeSDK({ instrumentations }).start();
 * export const instrumentations = [new BoxAuthInstrumentation({ apiRequests: true })];
 * ```
 */
export class BoxAuthInstrumentation {
  readonly instrumentationName = INSTRUMENTATION_SCOPE;
  readonly instrumentationVersion: string = PACKAGE_VERSION;
  #config: BoxAuthInstrumentationConfig = {};
  #providers: TelemetryProviders = {};
  #stop: (() => void) | undefined;

  constructor(config: BoxAuthInstrumentationConfig = {}) {
    this.setConfig(config);
    if (this.#config.enabled === true) this.enable();
  }

  /** Starts. Starting twice changes nothing. */
  enable(): void {
    this.#stop ??= instrumentBoxAuth({
      ...this.#providers,
      apiRequests: this.#config.apiRequests,
    });
  }

  /** Stops. */
  disable(): void {
    this.#stop?.();
    this.#stop = undefined;
  }

  /** Sends spans to this provider from now on. */
  setTracerProvider(tracerProvider: TracerProvider): void {
    this.#use({ ...this.#providers, tracerProvider });
  }

  /** Sends metrics to this provider from now on. */
  setMeterProvider(meterProvider: MeterProvider): void {
    this.#use({ ...this.#providers, meterProvider });
  }

  /** Sets the configuration, which applies from the next start. Does not start or stop anything. */
  setConfig(config: BoxAuthInstrumentationConfig): void {
    this.#config = { enabled: true, ...config };
  }

  /** Returns the configuration. */
  getConfig(): BoxAuthInstrumentationConfig {
    return this.#config;
  }

  /** Restarts if it is running: `registerInstrumentations` starts instrumentations before it sets the providers. */
  #use(providers: TelemetryProviders): void {
    this.#providers = providers;
    if (this.#stop === undefined) return;
    this.disable();
    this.enable();
  }
}
