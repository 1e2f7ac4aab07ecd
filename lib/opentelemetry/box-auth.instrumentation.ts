import type { MeterProvider, TracerProvider } from '@opentelemetry/api';
import {
  INSTRUMENTATION_SCOPE,
  instrumentBoxAuth,
  type TelemetryProviders,
} from './instrument-box-auth.js';

/** As every instrumentation has it. */
export interface BoxAuthInstrumentationConfig {
  /** Whether it begins by itself. Default true. */
  enabled?: boolean;
}

/**
 * `instrumentBoxAuth` for `NodeSDK` and `registerInstrumentations`, which bring the providers, begin and end it. It is an
 * `Instrumentation` of `@opentelemetry/instrumentation`, without needing that package.
 *
 * @example
 * ```ts
 * import { BoxAuthInstrumentation } from 'nestjs-box-auth/opentelemetry';
 *
 * // new NodeSDK({ instrumentations }).start();
 * export const instrumentations = [new BoxAuthInstrumentation()];
 * ```
 */
export class BoxAuthInstrumentation {
  readonly instrumentationName = INSTRUMENTATION_SCOPE;
  /** Not told: it patches nothing, so no version of anything matters to it. */
  readonly instrumentationVersion = '';
  #config: BoxAuthInstrumentationConfig = {};
  #providers: TelemetryProviders = {};
  #stop: (() => void) | undefined;

  constructor(config: BoxAuthInstrumentationConfig = {}) {
    this.setConfig(config);
    if (this.#config.enabled === true) this.enable();
  }

  /** Begins; a second time changes nothing. */
  enable(): void {
    this.#stop ??= instrumentBoxAuth(this.#providers);
  }

  /** Ends. */
  disable(): void {
    this.#stop?.();
    this.#stop = undefined;
  }

  /** Where spans go from now on. */
  setTracerProvider(tracerProvider: TracerProvider): void {
    this.#use({ ...this.#providers, tracerProvider });
  }

  /** Where metrics go from now on. */
  setMeterProvider(meterProvider: MeterProvider): void {
    this.#use({ ...this.#providers, meterProvider });
  }

  /** What `getConfig` gives from now on; it begins and ends nothing. */
  setConfig(config: BoxAuthInstrumentationConfig): void {
    this.#config = { enabled: true, ...config };
  }

  /** As it was set. */
  getConfig(): BoxAuthInstrumentationConfig {
    return this.#config;
  }

  /** Whoever registers instrumentations begins them first and brings the providers afterwards. */
  #use(providers: TelemetryProviders): void {
    this.#providers = providers;
    if (this.#stop === undefined) return;
    this.disable();
    this.enable();
  }
}
