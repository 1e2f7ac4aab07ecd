import { type MeterProvider, metrics, trace, type TracerProvider } from '@opentelemetry/api';
import { recordTokenMetrics } from './token-metrics.js';
import { recordTokenSpans } from './token-spans.js';

export const INSTRUMENTATION_SCOPE = 'nestjs-box-auth';

/** Where spans and metrics go. */
export interface TelemetryProviders {
  /** Default: the global one. */
  readonly tracerProvider?: TracerProvider | undefined;
  /** Default: the global one as it is now, so register yours before. */
  readonly meterProvider?: MeterProvider | undefined;
}

/**
 * Turns what happens to the tokens of all Box and Workfront apps in this process into spans (`box.token.mint`, …) and metrics
 * (`box.token.mints`, …), until the function that it returns is called. Nothing in them is an id, a token or a secret.
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
    recordTokenSpans(tracerProvider.getTracer(INSTRUMENTATION_SCOPE)),
    recordTokenMetrics(meterProvider.getMeter(INSTRUMENTATION_SCOPE)),
  ];
  return () => {
    for (const stop of stops) stop();
  };
}
