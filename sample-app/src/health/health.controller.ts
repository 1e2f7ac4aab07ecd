import { Controller, Get } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import { HealthCheck, type HealthCheckResult, HealthCheckService } from '@nestjs/terminus';
import { BoxHealthIndicator } from 'nestjs-box-auth/terminus';

/** Asked by whatever decides whether this process gets requests. */
@ApiTags('watching')
@Controller('health')
export class HealthController {
  constructor(
    private readonly health: HealthCheckService,
    private readonly box: BoxHealthIndicator,
  ) {}

  @Get()
  @HealthCheck()
  @ApiOperation({
    summary: 'Whether calls to Box can have a token',
    description: '`degraded` (and 200) while the old token serves and no newer one comes.',
  })
  check(): Promise<HealthCheckResult> {
    return this.health.check([() => this.box.isHealthy('box')]);
  }
}
