/* oxlint-disable typescript/consistent-type-imports -- Nest reads the types of constructor parameters at run time */
import 'reflect-metadata';
import { Controller, Get, Module } from '@nestjs/common';
import { HealthCheck, HealthCheckService, TerminusModule } from '@nestjs/terminus';
import { trace } from '@opentelemetry/api';
import { type AuthEvent, onAuthEvent } from 'nestjs-box-auth';
import { BoxAuthInstrumentation, instrumentBoxAuth } from 'nestjs-box-auth/opentelemetry';
import { BoxHealthIndicator, type BoxHealthOptions } from 'nestjs-box-auth/terminus';

const options: BoxHealthOptions = { timeoutMs: 500 };

@Controller('health')
export class HealthController {
  constructor(
    private readonly health: HealthCheckService,
    private readonly box: BoxHealthIndicator,
  ) {}

  @Get()
  @HealthCheck()
  check() {
    return this.health.check([() => this.box.isHealthy('box', options)]);
  }
}

@Module({
  imports: [TerminusModule],
  controllers: [HealthController],
  providers: [BoxHealthIndicator],
})
export class HealthModule {}

export const instrumentations = [new BoxAuthInstrumentation({ enabled: false })];

export function watch(events: AuthEvent[]): () => void {
  const stops = [
    onAuthEvent('mint', (event) => events.push(event)),
    instrumentBoxAuth({ tracerProvider: trace.getTracerProvider() }),
  ];
  return () => {
    for (const stop of stops) stop();
  };
}
