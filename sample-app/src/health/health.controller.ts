import { Controller, Get } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import { HealthCheck, type HealthCheckResult, HealthCheckService } from '@nestjs/terminus';
import { BoxHealthIndicator } from 'nestjs-box-auth/terminus';

/** For load balancers and orchestrators. */
@ApiTags('monitoring')
@Controller('health')
export class HealthController {
  constructor(
    private readonly health: HealthCheckService,
    private readonly box: BoxHealthIndicator,
  ) {}

  @Get()
  @HealthCheck()
  @ApiOperation({
    summary: 'Whether a token is available for calls to Box',
    description:
      '`degraded` (with status 200) while refreshes fail but the current token is still valid.',
  })
  check(): Promise<HealthCheckResult> {
    return this.health.check([() => this.box.isHealthy('box')]);
  }
}
