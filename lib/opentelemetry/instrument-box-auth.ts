import { type MeterProvider, metrics, trace, type TracerProvider } from '@opentelemetry/api';
import { PACKAGE_VERSION } from '../core/runtime/package-version.js';
import { recordTokenMetrics } from './token-metrics.js';
import { recordTokenSpans } from './token-spans.js';

export const INSTRUMENTATION_SCOPE = 'nestjs-box-auth';

/** The providers that receive spans and metrics. */
export interface TelemetryProviders {
  /** Default: the global one. */
  readonly tracerProvider?: TracerProvider | undefined;
  /** Default: the current global one. Register yours first. */
  readonly meterProvider?: MeterProvider | undefined;
}

/**
 * Records spans (`box.token.mint`, …) and metrics (`box.token.mints`, …) of the tokens of all Box and Workfront apps in this
 * process. Returns a function that stops it. The telemetry contains no ids, tokens or secrets.
 *
 * Call it once, when the SDK is set up. With `NodeSDK` or `registerInstrumentations`, use `BoxAuthInstrumentation` instead.
 *
 * @example
 * ```ts
 * import { instrumentBoxAuth } from 'nestjs-box-auth/opentelemetry';
 *
 * const stop = instrumentBoxAuth();
 * process.once('beforeExit', stop);
 * ```
 */
export function instrumentBoxAuth({
  tracerProvider = trace.getTracerProvider(),
  meterProvider = metrics.getMeterProvider(),
}: TelemetryProviders = {}): () => void {
  const stops = [
    recordTokenSpans(tracerProvider.getTracer(INSTRUMENTATION_SCOPE, PACKAGE_VERSION)),
    recordTokenMetrics(meterProvider.getMeter(INSTRUMENTATION_SCOPE, PACKAGE_VERSION)),
  ];
  return () => {
    for (const stop of stops) stop();
  };
}
