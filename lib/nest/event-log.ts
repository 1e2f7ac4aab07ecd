import type { LoggerService } from '@nestjs/common';
import type { AuthEvent, StoreEvent, TokenEvent } from '../core/events/auth-events.js';

const BETWEEN_SAME_LINES_MS = 60_000;
const WORTH_MENDING_MS = 30_000;

/** Lines worth reading at three in the morning: what failed, what is served meanwhile, what to do. */
export class EventLog {
  /** When a failure was last told, by its level and code: that calls fail is never held back because renewals did. */
  readonly #toldAt = new Map<string, number>();
  /** By their code: the failures that were told and are not known to be over. */
  readonly #lasting = new Map<string, TokenEvent>();

  constructor(private readonly logger: Pick<LoggerService, 'log' | 'warn' | 'error'>) {}

  write(event: AuthEvent): void {
    switch (event.kind) {
      case 'mint':
      case 'renewal':
      case 'forced-renewal':
        return event.outcome === 'failed' ? this.#failed(event) : this.#succeeded(event);
      case 'store':
        return this.#store(event);
      case 'clock-offset':
        return this.#clock(event.offsetMs);
      case 'stale-served': // the failure behind it has a line already
    }
  }

  /** One line a minute for each code, however many subjects and calls it meets. */
  #failed(event: TokenEvent): void {
    const { startedAt, error, usableForMs } = event;
    if (error === undefined) return;
    const { code, message, hint } = error;
    const level = usableForMs > 0 ? 'warn' : 'error';
    if (!this.#isDue(`${level} ${code}`, startedAt)) return;
    this.#lasting.set(code, event);
    this.logger[level](
      usableForMs > 0
        ? `A token was not renewed: ${code}: ${message} The old one is served meanwhile${forAs(usableForMs)}. ${hint}`
        : `There is no token, and calls that need it fail: ${code}: ${message} ${hint}`,
    );
  }

  #isDue(line: string, at: number): boolean {
    // Either way: a clock that was set back must not silence anything.
    const isDue = Math.abs(at - (this.#toldAt.get(line) ?? -Infinity)) >= BETWEEN_SAME_LINES_MS;
    if (isDue) this.#toldAt.set(line, at);
    return isDue;
  }

  #succeeded(event: TokenEvent): void {
    const over = [...this.#lasting].filter(([, failure]) => endsWith(event, failure));
    for (const [code] of over) this.#lasting.delete(code);
    if (over.length > 0) this.logger.log('Tokens come again.');
  }

  /** Once when it goes and once when it is back, however many calls there are meanwhile. */
  #store({ state, cause }: StoreEvent): void {
    if (state === 'back') {
      this.logger.log('The token store is back: the processes share their tokens again.');
    } else {
      const why = cause === undefined ? '' : ` (${cause.message})`;
      this.logger.warn(
        `The token store is away${why}: until it is back, the processes share no tokens.`,
      );
    }
  }

  #clock(offsetMs: number): void {
    if (Math.abs(offsetMs) < WORTH_MENDING_MS) return;
    const seconds = Math.round(Math.abs(offsetMs) / 1000);
    const how = offsetMs > 0 ? 'behind' : 'ahead of';
    this.logger.warn(
      `The clock of this machine is ${seconds} s ${how} that of the token endpoint, whose time is used from now on. Set it (NTP): others will not be so kind.`,
    );
  }
}

/**
 * Whether a token that came says that `failure` is over. An outage is everybody's. What somebody has to mend may be one
 * user's alone, and no event says which user it is of.
 */
function endsWith({ isOwn }: TokenEvent, failure: TokenEvent): boolean {
  return failure.error?.retryable === true || (failure.isOwn && isOwn);
}

function forAs(usableForMs: number): string {
  return Number.isFinite(usableForMs) ? `, for ${Math.round(usableForMs / 1000)} s more` : '';
}
