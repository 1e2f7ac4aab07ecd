import type { HrTime } from '@opentelemetry/api';

/** Converts to an HrTime. As a plain number, OpenTelemetry takes a small value for one of `performance.now()`. */
export function hrTime(epochMs: number): HrTime {
  const seconds = Math.floor(epochMs / 1000);
  return [seconds, Math.round((epochMs - seconds * 1000) * 1e6)];
}
