import { Injectable } from '@nestjs/common';
// oxlint-disable-next-line typescript/consistent-type-imports -- Nest reads the parameter's type at run time
import { type HealthIndicatorResult, HealthIndicatorService } from '@nestjs/terminus';
// oxlint-disable-next-line typescript/consistent-type-imports -- Nest reads the parameter's type at run time
import { boxAuthOf, BoxTokenProvider } from '../box/box-token.provider.js';
import type { SubjectTokenDemand } from '../core/tokens/token-cache.js';
import { tokenHealth } from '../core/app/token-health.js';
import { indicatorResult } from './indicator-result.js';

/** Options of a health check. */
export interface BoxHealthOptions {
  /** The number of milliseconds that a check waits for a token if none is cached: a whole number. Default 2,000. */
  readonly timeoutMs?: number | undefined;
  /** The enterprise id of a tenant, whose token is checked instead. Default: the app itself. */
  readonly enterprise?: string | undefined;
}

/**
 * Reports to terminus whether there is a token for calls to Box. Its result contains no token and no id.
 *
 * | `state` | `status` | Token |
 * | --- | --- | --- |
 * | `healthy` | `up` | available |
 * | `degraded` | `degraded` (terminus 11 has no such status: `up`) | the old one until `expiresAt`; it cannot be refreshed |
 * | `down` | `down` | missing |
 *
 * `code`, `hint` and `since` explain the problem. A check gets the token like any other call: it requests the first one,
 * starts a refresh that is due, and does not repeat a request that has just failed. Use it for readiness, not for liveness:
 * a restart fixes none of these problems.
 *
 * For a Box app with a name: `new BoxHealthIndicator(provider, healthIndicatorService)`.
 *
 * @example
 * ```ts
 * import { Controller, Get, Module } from '@nestjs/common';
 * import { HealthCheck, HealthCheckService, TerminusModule } from '@nestjs/terminus';
 * import { BoxHealthIndicator } from 'nestjs-box-auth/terminus';
 *
 * @Controller('health')
 * export class HealthController {
 *   constructor(
 *     private readonly health: HealthCheckService,
 *     private readonly box: BoxHealthIndicator,
 *   ) {}
 *
 *   @Get()
 *   @HealthCheck()
 *   check() {
 *     return this.health.check([() => this.box.isHealthy('box')]);
 *   }
 * }
 *
 * @Module({
 *   imports: [TerminusModule],
 *   controllers: [HealthController],
 *   providers: [BoxHealthIndicator],
 * })
 * export class HealthModule {}
 * ```
 */
@Injectable()
export class BoxHealthIndicator {
  constructor(
    private readonly provider: BoxTokenProvider,
    private readonly health: HealthIndicatorService,
  ) {}

  /**
   * Returns the health of the token of the app itself, or of a tenant, under `key`. Problems with Box never make it reject.
   *
   * @throws BoxAuthError `option_invalid`
   */
  async isHealthy<const Key extends string>(
    key: Key,
    options: BoxHealthOptions = {},
  ): Promise<HealthIndicatorResult<Key>> {
    const { provider } = this;
    const tokens = boxAuthOf(provider)?.tokens;
    const app = {
      getToken: (demand: SubjectTokenDemand) =>
        tokens !== undefined && demand.subject === undefined
          ? tokens.get(demand)
          : provider.getToken(demand),
      tokens,
    };
    const health = await tokenHealth(app, options, 'BoxHealthIndicator.isHealthy');
    return indicatorResult(this.health, key, health);
  }
}
