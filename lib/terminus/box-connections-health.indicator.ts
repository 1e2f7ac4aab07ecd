import { Injectable } from '@nestjs/common';
// oxlint-disable-next-line typescript/consistent-type-imports -- Nest reads the parameter's type at run time
import { type HealthIndicatorResult, HealthIndicatorService } from '@nestjs/terminus';
// oxlint-disable-next-line typescript/consistent-type-imports -- Nest reads the parameter's type at run time
import { BoxConnections } from '../box/connections/box-connections.js';
import type { BoxConnectionsHealthOptions } from '../box/connections/box-connections.js';
import { indicatorResult } from './indicator-result.js';

/**
 * Reports to terminus whether the vault of connections can be read. Its result contains no owner, no token and no id. A
 * connection that has ended does not change it.
 *
 * | `state` | `status` | Vault |
 * | --- | --- | --- |
 * | `healthy` | `up` | available |
 * | `degraded` | `degraded` (terminus 11 has no such status: `up`) | a connection that was read cannot be decrypted |
 * | `down` | `down` | unavailable |
 *
 * `code`, `hint` and `since` explain the problem. A check reads one connection. Use it for readiness, not for liveness: a restart
 * fixes none of these problems.
 *
 * For a Box app with a name: `new BoxConnectionsHealthIndicator(connections, healthIndicatorService)`.
 *
 * @example
 * ```ts
 * import { Controller, Get, Module } from '@nestjs/common';
 * import { HealthCheck, HealthCheckService, TerminusModule } from '@nestjs/terminus';
 * import { BoxConnectionsHealthIndicator } from 'nestjs-box-auth/terminus';
 *
 * @Controller('health')
 * export class HealthController {
 *   constructor(
 *     private readonly health: HealthCheckService,
 *     private readonly connections: BoxConnectionsHealthIndicator,
 *   ) {}
 *
 *   @Get()
 *   @HealthCheck()
 *   check() {
 *     return this.health.check([() => this.connections.isHealthy('box-connections')]);
 *   }
 * }
 *
 * @Module({
 *   imports: [TerminusModule],
 *   controllers: [HealthController],
 *   providers: [BoxConnectionsHealthIndicator],
 * })
 * export class HealthModule {}
 * ```
 */
@Injectable()
export class BoxConnectionsHealthIndicator {
  constructor(
    private readonly connections: BoxConnections,
    private readonly health: HealthIndicatorService,
  ) {}

  /**
   * Returns the health of the vault under `key`. Problems with the vault never make it reject.
   *
   * @throws BoxAuthError `option_invalid`
   */
  async isHealthy<const Key extends string>(
    key: Key,
    options: BoxConnectionsHealthOptions = {},
  ): Promise<HealthIndicatorResult<Key>> {
    return indicatorResult(this.health, key, await this.connections.health(options));
  }
}
