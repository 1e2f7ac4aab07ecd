import type { HealthIndicatorResult, HealthIndicatorService } from '@nestjs/terminus';

type HealthCheck = ReturnType<HealthIndicatorService['check']>;

/** The result of an indicator for one of the three states. */
export function indicatorResult<Key extends string>(
  indicators: HealthIndicatorService,
  key: Key,
  health: { readonly state: 'healthy' | 'degraded' | 'down' },
): HealthIndicatorResult<Key> {
  const check = indicators.check(key);
  if (health.state === 'healthy') return check.up({ ...health });
  return health.state === 'down' ? check.down({ ...health }) : degraded(check, { ...health });
}

/** Terminus 11 has no `degraded`: an app that can still make calls is up. */
function degraded<Key extends string>(
  check: Pick<HealthCheck, 'up'> & Partial<Pick<HealthCheck, 'degraded'>>,
  data: Readonly<Record<string, unknown>>,
): HealthIndicatorResult<Key> {
  return check.degraded?.(data) ?? check.up(data);
}
