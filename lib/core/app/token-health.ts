import { BoxAuthError } from '../errors/box-auth.error.js';
import type { BoxAuthErrorCode } from '../errors/error-codes.js';
import type { Subject } from '../credentials/subject.js';
import { MAX_DELAY_MS, systemRuntime } from '../runtime/runtime.js';
import { afterRunningTime } from '../runtime/time-budget.js';
import type { AccessToken } from '../token-endpoint/access-token.js';
import type { SubjectTokenDemand, TokenCache } from '../tokens/token-cache.js';

/** Why a token request failed. Health checks are often public, so it omits the error message, which quotes the issuer. */
interface HealthProblem {
  readonly code: BoxAuthErrorCode;
  readonly hint: string;
  /** ISO 8601; unknown for the first failure. */
  readonly since?: string;
}

interface TokenExpiry {
  /** ISO 8601; unknown if the issuer states no expiry. */
  readonly expiresAt?: string;
}

/**
 * Whether there is a token for calls. Contains no token and no id.
 *
 * - `healthy`: there is one.
 * - `degraded`: the old one until `expiresAt`, as it cannot be refreshed.
 * - `down`: there is none.
 */
export type TokenHealth =
  | ({ readonly state: 'healthy' } & TokenExpiry)
  | ({ readonly state: 'degraded' } & HealthProblem & TokenExpiry)
  | ({ readonly state: 'down' } & HealthProblem);

/** The parts of an app that its health depends on. */
interface CheckedApp {
  getToken(options: SubjectTokenDemand): Promise<unknown>;
  /** Undefined if a test replaced the provider by an object with only its methods. */
  readonly tokens: Pick<TokenCache, 'peek' | 'failure'> | undefined;
}

/**
 * Gets the token like any other call and describes the result. `options` may come from code without types; `method` is the one
 * that received them.
 *
 * @throws BoxAuthError `option_invalid`
 */
export async function tokenHealth(
  app: CheckedApp,
  options: unknown,
  method: string,
): Promise<TokenHealth> {
  const { timeoutMs, subject } = checkedOptions(options, method);
  checkSubject(app, subject, method);
  const problem = await problemWithin(timeoutMs, app, subject);
  const token = app.tokens?.peek(subject);
  if (problem === undefined) return { state: 'healthy', ...expiryOf(token) };
  return token === undefined
    ? { state: 'down', ...problem }
    : { state: 'degraded', ...problem, ...expiryOf(token) };
}

async function problemWithin(
  timeoutMs: number,
  app: CheckedApp,
  subject: Subject | undefined,
): Promise<HealthProblem | undefined> {
  const limit = new AbortController();
  const cancel = afterRunningTime(systemRuntime, timeoutMs, () => limit.abort());
  try {
    return await problemOf(app, subject, limit.signal);
  } finally {
    cancel();
  }
}

async function problemOf(
  app: CheckedApp,
  subject: Subject | undefined,
  signal: AbortSignal,
): Promise<HealthProblem | undefined> {
  let problem: HealthProblem | undefined;
  try {
    await app.getToken({ subject, signal });
  } catch (error) {
    problem = describeThrown(error, signal);
  }
  const failure = app.tokens?.failure(subject);
  if (failure === undefined) return problem;
  const { code, hint } = failure.error;
  return { code, hint, ...timeAs('since', failure.since) };
}

function describeThrown(error: unknown, signal: AbortSignal): HealthProblem {
  if (error instanceof BoxAuthError) return { code: error.code, hint: error.hint };
  if (!signal.aborted) throw error;
  return {
    code: 'timeout',
    hint: 'A token request is in progress and takes longer than this check.',
  };
}

function expiryOf(token: AccessToken | undefined): TokenExpiry {
  return timeAs('expiresAt', token?.expiresAt);
}

/** Formats as ISO 8601. Leaves out a time that is unknown or out of range: an issuer may send any number. */
function timeAs(
  name: 'since' | 'expiresAt',
  ms: number | undefined,
): Pick<HealthProblem, 'since'> & TokenExpiry {
  const date = new Date(ms ?? NaN);
  return Number.isNaN(date.getTime()) ? {} : { [name]: date.toISOString() };
}

function checkedOptions(
  options: unknown,
  method: string,
): { readonly timeoutMs: number; readonly subject: Subject | undefined } {
  if (typeof options !== 'object' || options === null) {
    throw invalidOption(method, 'options', 'an object');
  }
  const {
    timeoutMs = 2_000,
    enterprise,
  }: { readonly timeoutMs?: unknown; readonly enterprise?: unknown } = options;
  if (
    typeof timeoutMs !== 'number' ||
    !Number.isInteger(timeoutMs) ||
    timeoutMs < 0 ||
    timeoutMs > MAX_DELAY_MS
  ) {
    throw invalidOption(method, 'timeoutMs', `a whole number from 0 to ${MAX_DELAY_MS}`, timeoutMs);
  }
  if (enterprise === undefined) return { timeoutMs, subject: undefined };
  if (typeof enterprise !== 'string') throw invalidEnterprise(method);
  return { timeoutMs, subject: { type: 'enterprise', id: enterprise } };
}

/** Only the issuer of the tokens knows which ids can exist. */
function checkSubject({ tokens }: CheckedApp, subject: Subject | undefined, method: string): void {
  try {
    tokens?.peek(subject);
  } catch {
    throw invalidEnterprise(method);
  }
}

function invalidEnterprise(method: string): BoxAuthError {
  return invalidOption(method, 'enterprise', 'an enterprise id as a string');
}

function invalidOption(
  method: string,
  name: string,
  expected: string,
  received?: unknown,
): BoxAuthError {
  const shown = typeof received === 'number' ? `, received ${received}` : '';
  return new BoxAuthError({
    code: 'option_invalid',
    message: `Invalid ${name} of ${method}: expected ${expected}${shown}.`,
    hint: `Fix ${name} where ${method.slice(method.indexOf('.') + 1)} is called.`,
    docs: 'https://docs.nestjs.com/recipes/terminus',
  });
}
