import { Injectable } from '@nestjs/common';
// oxlint-disable-next-line typescript/consistent-type-imports -- Nest reads the parameter's type at run time
import { type HealthIndicatorResult, HealthIndicatorService } from '@nestjs/terminus';
// oxlint-disable-next-line typescript/consistent-type-imports -- Nest reads the parameter's type at run time
import { boxAuthOf, BoxTokenProvider } from '../box/box-token.provider.js';
import { BoxAuthError } from '../core/errors/box-auth.error.js';
import { MAX_DELAY_MS, systemRuntime } from '../core/runtime/runtime.js';
import { afterRunningTime } from '../core/runtime/time-budget.js';
import type { AccessToken } from '../core/token-endpoint/access-token.js';

/** How the health of a Box app is asked for. */
export interface BoxHealthOptions {
  /** How many milliseconds a check waits for a token, where there is none to use: a whole number. Default 2,000. */
  readonly timeoutMs?: number | undefined;
}

/** Why no other token comes, in words for anybody: the message of an error quotes Box, and stays in the log. */
interface Problem {
  readonly code: BoxAuthError['code'];
  readonly hint: string;
  /** ISO 8601; not known of the very first failure. */
  readonly since?: string;
}

/**
 * Tells terminus whether calls to Box can have a token. Nothing in its answer is a token or an id.
 *
 * | `state` | `status` | there is |
 * | --- | --- | --- |
 * | `healthy` | `up` | a token |
 * | `degraded` | `degraded` (in terminus 11, which has no such status: `up`) | the old token until `expiresAt`; no newer one comes |
 * | `down` | `down` | none |
 *
 * `code`, `hint` and `since` say why. A check is a call as any other: it mints the first token and has one renewed that is
 * due, and what failed a moment ago is not asked for again. Use it for readiness: to start a process anew mends nothing.
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
   * The health of the token that the credentials stand for, under `key`. Never rejects for what is wrong with Box.
   *
   * @throws BoxAuthError `option_invalid`, naming the option
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
    let refusal: Problem | undefined;
    try {
      await this.provider.getToken({ signal });
    } catch (error) {
      refusal = problemOf(error, signal);
    }
    const failure = boxAuthOf(this.provider)?.tokens.failure();
    if (failure === undefined) return refusal;
    const { code, hint } = failure.error;
    return { code, hint, ...timeAs('since', failure.since) };
  }
}

function problemOf(error: unknown, signal: AbortSignal): Problem {
  if (error instanceof BoxAuthError) return { code: error.code, hint: error.hint };
  if (!signal.aborted) throw error;
  return { code: 'timeout', hint: 'A token is being asked for, and takes longer than this check.' };
}

function expiryOf(token: AccessToken | undefined): { readonly expiresAt?: string } {
  return timeAs('expiresAt', token?.expiresAt);
}

/** In ISO 8601; nothing of a time that is not known, or that no Date can show: an issuer may say anything. */
function timeAs(
  name: 'since' | 'expiresAt',
  ms: number | undefined,
): Pick<Problem, 'since'> & { readonly expiresAt?: string } {
  const date = new Date(ms ?? NaN);
  return Number.isNaN(date.getTime()) ? {} : { [name]: date.toISOString() };
}

/** The options may come from code without types. */
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

function invalidOption(name: string, expected: string, found?: unknown): BoxAuthError {
  const shown = typeof found === 'number' ? `: found ${found}` : '';
  return new BoxAuthError({
    code: 'option_invalid',
    message: `${name} given to BoxHealthIndicator.isHealthy is not valid${shown}, expected ${expected}.`,
    hint: `Mend ${name} where isHealthy is called.`,
    docs: 'https://docs.nestjs.com/recipes/terminus',
  });
}

type Session = ReturnType<HealthIndicatorService['check']>;

/** Terminus 11 has no `degraded`: to it, what still serves is up. */
function degraded<Key extends string>(
  check: Pick<Session, 'up'> & Partial<Pick<Session, 'degraded'>>,
  data: Readonly<Record<string, unknown>>,
): HealthIndicatorResult<Key> {
  return check.degraded?.(data) ?? check.up(data);
}
