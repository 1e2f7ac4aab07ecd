import type { BoxAuthError } from '../errors/box-auth.error.js';
import { lruCache } from '../runtime/lru-cache.js';
import { RepeatLimit } from '../runtime/repeat-limit.js';
import type { AuthEvent, StoreEvent, TenantUnauthorizedEvent, TokenEvent } from './auth-events.js';

const MIN_LOGGED_OFFSET_MS = 30_000;

/** Writes log lines. A logger of Nest is one. */
export interface EventLogger {
  log(line: string): void;
  warn(line: string): void;
  error(line: string): void;
  debug?(line: string): void;
}

/** Logs the events that an operator needs to know: what failed, its effect on calls, and how to fix it. */
export class EventLog {
  /** By level, code and refused tenant: a failed call is logged even just after a failed refresh. */
  readonly #limit = new RepeatLimit();
  /** The enterprises that were logged because they have not authorized the app. */
  readonly #unauthorizedTenants = lruCache<true>(10_000);
  /** The failures that were logged and whose end will be noticed, by code. */
  readonly #unresolved = new Map<string, BoxAuthError>();

  constructor(private readonly logger: EventLogger) {}

  write(event: AuthEvent): void {
    switch (event.kind) {
      case 'mint':
      case 'renewal':
      case 'forced-renewal':
        this.logger.debug?.(describeRequest(event));
        return event.outcome === 'failed' ? this.#failed(event) : this.#succeeded(event);
      case 'tenant-unauthorized':
        return this.#unauthorized(event);
      case 'store':
        return this.#store(event);
      case 'clock-offset':
        return this.#clock(event.offsetMs);
      case 'stale-served': // the failed refresh that caused it is logged
      case 'connection': // concerns one person, and the call fails with the reason
      case 'api-request': // the caller gets the response
    }
  }

  /** At most one line a minute for each code and refused tenant, however many subjects and calls are affected. */
  #failed(event: TokenEvent): void {
    const { startedAt, error, usableForMs, enterprise, isOwn } = event;
    if (error === undefined || this.#isLogged(enterprise, error)) return;
    const { code, message, hint } = error;
    const level = usableForMs > 0 ? 'warn' : 'error';
    const cause = `${level} ${code} ${error.enterprise ?? ''}`;
    if (this.#limit.admit(cause, startedAt) === undefined) return;
    if (error.retryable || isOwn) this.#unresolved.set(code, error);
    this.logger[level](
      usableForMs > 0
        ? `Token refresh failed (${code}); serving the current token${forAnother(usableForMs)}. ${message} ${hint}`
        : `Token request failed (${code}); calls that need this token fail. ${message} ${hint}`,
    );
  }

  #unauthorized({ enterprise, error: { message, hint } }: TenantUnauthorizedEvent): void {
    this.#unauthorizedTenants.set(enterprise, true);
    this.logger.warn(
      `The app is not authorized for a tenant; calls for this enterprise fail, others work. ${message} ${hint}`,
    );
  }

  /** Whether the failure of a tenant was logged when its first token request failed. */
  #isLogged(enterprise: string | undefined, { code }: BoxAuthError): boolean {
    return (
      code === 'app_not_authorized' &&
      enterprise !== undefined &&
      this.#unauthorizedTenants.has(enterprise)
    );
  }

  #succeeded(event: TokenEvent): void {
    const { enterprise } = event;
    if (enterprise !== undefined && this.#unauthorizedTenants.delete(enterprise)) {
      this.logger.log(`Enterprise ${enterprise} has authorized the app again.`);
    }
    const ended = [...this.#unresolved].filter(([, error]) => provesEnd(event, error));
    for (const [code] of ended) this.#unresolved.delete(code);
    if (ended.length > 0) this.logger.log('Token requests succeed again.');
  }

  #store({ state, cause }: StoreEvent): void {
    if (state === 'back') {
      this.logger.log('Token store available again; processes share tokens again.');
    } else {
      const reason = cause === undefined ? '' : ` (${cause.message})`;
      this.logger.warn(
        `Token store unavailable${reason}; processes share no tokens until it recovers.`,
      );
    }
  }

  #clock(offsetMs: number): void {
    if (Math.abs(offsetMs) < MIN_LOGGED_OFFSET_MS) return;
    const seconds = Math.round(Math.abs(offsetMs) / 1000);
    const direction = offsetMs > 0 ? 'behind' : 'ahead of';
    this.logger.warn(
      `Clock of this machine is ${seconds} s ${direction} the token endpoint's; using the token endpoint's time. Set the clock (NTP), as other services may reject requests.`,
    );
  }
}

/**
 * Any token proves the end of an outage. An error that needs a fix ends only with a token of the app itself. A token from the vault
 * proves that the vault is available, but the token endpoint may have granted it long ago.
 */
function provesEnd(event: TokenEvent, { code, retryable }: BoxAuthError): boolean {
  if (isFromVault(event) && code !== 'vault_unavailable') return false;
  return retryable || event.isOwn;
}

function isFromVault({ subjectType, outcome }: TokenEvent): boolean {
  return subjectType === 'connection' && outcome === 'shared';
}

/** One line for each token request, without the id of a user. */
function describeRequest(event: TokenEvent): string {
  const { kind, outcome, durationMs, fingerprint, error } = event;
  const subject = `subject type ${event.subjectType ?? 'unknown'}${ofEnterprise(event)}`;
  const duration = `${Math.round(durationMs)} ms`;
  if (outcome === 'failed') {
    return `Token request (${kind}) failed: ${subject}, code ${error?.code}, duration ${duration}.`;
  }
  const place = isFromVault(event) ? 'vault' : 'store';
  const source = outcome === 'shared' ? `was served by the ${place}` : 'succeeded';
  return `Token request (${kind}) ${source}: ${subject}, usable for ${usableTime(event)}, fingerprint ${fingerprint}, duration ${duration}.`;
}

function ofEnterprise({ enterprise }: TokenEvent): string {
  return enterprise === undefined ? '' : `, enterprise ${enterprise}`;
}

function usableTime({ usableForMs }: TokenEvent): string {
  return Number.isFinite(usableForMs) ? `${Math.round(usableForMs / 1000)} s` : 'an unknown time';
}

function forAnother(ms: number): string {
  if (!Number.isFinite(ms)) return '';
  return ms < 120_000
    ? ` for another ${Math.round(ms / 1000)} s`
    : ` for another ${Math.floor(ms / 60_000)} min`;
}
