import { type MeterProvider, metrics, trace, type TracerProvider } from '@opentelemetry/api';
import { PACKAGE_VERSION } from '../core/runtime/package-version.js';
import { recordApiRequestMetrics } from './api-request-metrics.js';
import { recordApiRequestSpans } from './api-request-spans.js';
import { recordConnectionMetrics } from './connection-metrics.js';
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

/** The providers, and what to record. */
export interface TelemetryOptions extends TelemetryProviders {
  /** Whether to record spans (`GET`, …) and metrics (`box.api.requests`, …) of the requests to the API, too. Default false. */
  readonly apiRequests?: boolean | undefined;
}

/**
 * Records spans (`box.token.mint`, …) and metrics (`box.token.mints`, …) of the tokens and the connections of all Box and Workfront apps in this
 * process. Returns a function that stops it. The telemetry contains no tokens, no secrets, and no ids but those of
 * tenants.
 *
 * Call it once, when the SDK is set up. With `NodeSDK` or `registerInstrumentations`, use `BoxAuthInstrumentation` instead.
 *
 * @example
 * ```ts
 * import { instrumentBoxAuth } from 'nestjs-box-auth/opentelemetry';
 *
 * const stop = instrumentBoxAuth({ apiRequests: true });
 * process.once('beforeExit', stop);
 * ```
 */
export function instrumentBoxAuth({
  tracerProvider = trace.getTracerProvider(),
  meterProvider = metrics.getMeterProvider(),
  apiRequests = false,
}: TelemetryOptions = {}): () => void {
  const tracer = tracerProvider.getTracer(INSTRUMENTATION_SCOPE, PACKAGE_VERSION);
  const meter = meterProvider.getMeter(INSTRUMENTATION_SCOPE, PACKAGE_VERSION);
  const stops = [
    recordTokenSpans(tracer),
    recordTokenMetrics(meter),
    recordConnectionMetrics(meter),
    ...(apiRequests ? [recordApiRequestSpans(tracer), recordApiRequestMetrics(meter)] : []),
  ];
  return () => {
    for (const stop of stops) stop();
  };
}
