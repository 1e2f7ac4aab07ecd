import { Injectable } from '@nestjs/common';
// oxlint-disable-next-line typescript/consistent-type-imports -- Nest reads the parameter's type at run time
import { type HealthIndicatorResult, HealthIndicatorService } from '@nestjs/terminus';
// oxlint-disable-next-line typescript/consistent-type-imports -- Nest reads the parameter's type at run time
import { boxAuthOf, BoxTokenProvider } from '../box/box-token.provider.js';
import { BoxAuthError } from '../core/errors/box-auth.error.js';
import { MAX_DELAY_MS, systemRuntime } from '../core/runtime/runtime.js';
import { afterRunningTime } from '../core/runtime/time-budget.js';
import type { AccessToken } from '../core/token-endpoint/access-token.js';

/** Options of a health check. */
export interface BoxHealthOptions {
  /** The number of milliseconds that a check waits for a token if none is cached: a whole number. Default 2,000. */
  readonly timeoutMs?: number | undefined;
}

/** The reason why a token request failed. Health checks are often public, so it omits the error message, which quotes Box. */
interface Problem {
  readonly code: BoxAuthError['code'];
  readonly hint: string;
  /** ISO 8601; unknown for the first failure. */
  readonly since?: string;
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
   * Returns the health of the token of the app itself under `key`. Problems with Box never make it reject.
   *
   * @throws BoxAuthError `option_invalid`
   */
  async isHealthy<const Key extends string>(
    key: Key,
    options: BoxHealthOptions = {},
  ): Promise<HealthIndicatorResult<Key>> {
    const timeoutMs = timeoutOf(options);
    const check = this.health.check(key);
    const problem = await this.#problemWithin(timeoutMs);
    const token = boxAuthOf(this.provider)?.tokens.peek();
    if (problem === undefined) return check.up({ state: 'healthy', ...expiryOf(token) });
    return token === undefined
      ? check.down({ state: 'down', ...problem })
      : degraded(check, { state: 'degraded', ...problem, ...expiryOf(token) });
  }

  async #problemWithin(timeoutMs: number): Promise<Problem | undefined> {
    const limit = new AbortController();
    const cancel = afterRunningTime(systemRuntime, timeoutMs, () => limit.abort());
    try {
      return await this.#problem(limit.signal);
    } finally {
      cancel();
    }
  }

  async #problem(signal: AbortSignal): Promise<Problem | undefined> {
    let problem: Problem | undefined;
    try {
      await this.provider.getToken({ signal });
    } catch (error) {
      problem = problemOf(error, signal);
    }
    const failure = boxAuthOf(this.provider)?.tokens.failure();
    if (failure === undefined) return problem;
    const { code, hint } = failure.error;
    return { code, hint, ...timeAs('since', failure.since) };
  }
}

function problemOf(error: unknown, signal: AbortSignal): Problem {
  if (error instanceof BoxAuthError) return { code: error.code, hint: error.hint };
  if (!signal.aborted) throw error;
  return {
    code: 'timeout',
    hint: 'A token request is in progress and takes longer than this check.',
  };
}

function expiryOf(token: AccessToken | undefined): { readonly expiresAt?: string } {
  return timeAs('expiresAt', token?.expiresAt);
}

/** Formats as ISO 8601. Leaves out a time that is unknown or out of range: an issuer may send any number. */
function timeAs(
  name: 'since' | 'expiresAt',
  ms: number | undefined,
): Pick<Problem, 'since'> & { readonly expiresAt?: string } {
  const date = new Date(ms ?? NaN);
  return Number.isNaN(date.getTime()) ? {} : { [name]: date.toISOString() };
}

/** Options may come from code without types. */
function timeoutOf(options: unknown): number {
  if (typeof options !== 'object' || options === null) {
    throw invalidOption('options', 'an object');
  }
  const { timeoutMs = 2_000 }: { readonly timeoutMs?: unknown } = options;
  if (
    typeof timeoutMs !== 'number' ||
    !Number.isInteger(timeoutMs) ||
    timeoutMs < 0 ||
    timeoutMs > MAX_DELAY_MS
  ) {
    throw invalidOption('timeoutMs', `a whole number from 0 to ${MAX_DELAY_MS}`, timeoutMs);
  }
  return timeoutMs;
}

function invalidOption(name: string, expected: string, received?: unknown): BoxAuthError {
  const shown = typeof received === 'number' ? `, received ${received}` : '';
  return new BoxAuthError({
    code: 'option_invalid',
    message: `Invalid ${name} of BoxHealthIndicator.isHealthy: expected ${expected}${shown}.`,
    hint: `Fix ${name} where isHealthy is called.`,
    docs: 'https://docs.nestjs.com/recipes/terminus',
  });
}

type HealthCheck = ReturnType<HealthIndicatorService['check']>;

/** Terminus 11 has no `degraded`: an app with a valid token is up. */
function degraded<Key extends string>(
  check: Pick<HealthCheck, 'up'> & Partial<Pick<HealthCheck, 'degraded'>>,
  data: Readonly<Record<string, unknown>>,
): HealthIndicatorResult<Key> {
  return check.degraded?.(data) ?? check.up(data);
}
