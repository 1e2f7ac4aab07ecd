import type { LoggerService } from '@nestjs/common';
import type { AuthEvent, StoreEvent, TokenEvent } from './events/auth-events.js';

const BETWEEN_SAME_LINES_MS = 60_000;
const WORTH_MENDING_MS = 30_000;

/** Lines worth reading at three in the morning: what failed, what is served meanwhile, what to do. */
export class EventLog {
  /** By the code of its error: when a failure was last told. */
  readonly #toldAt = new Map<string, number>();
  #isFailing = false;

  constructor(private readonly logger: Pick<LoggerService, 'log' | 'warn' | 'error'>) {}

  write(event: AuthEvent): void {
    switch (event.kind) {
      case 'mint':
      case 'renewal':
      case 'forced-renewal':
        return event.outcome === 'failed' ? this.#failed(event) : this.#came();
      case 'store':
        return this.#store(event);
      case 'clock-offset':
        return this.#clock(event.offsetMs);
      case 'stale-served': // the failure behind it has a line already
    }
  }

  /** One line a minute for each code, however many subjects and calls it meets. */
  #failed({ startedAt, error, usableForMs }: TokenEvent): void {
    if (error === undefined) return;
    const { code, message, hint } = error;
    if (Math.abs(startedAt - (this.#toldAt.get(code) ?? -Infinity)) < BETWEEN_SAME_LINES_MS) return;
    this.#toldAt.set(code, startedAt);
    this.#isFailing = true;
    if (usableForMs > 0) {
      const meanwhile = `The old one is served meanwhile${forAs(usableForMs)}.`;
      this.logger.warn(`A token was not renewed: ${code}: ${message} ${meanwhile} ${hint}`);
    } else {
      this.logger.error(
        `There is no token, and calls that need it fail: ${code}: ${message} ${hint}`,
      );
    }
  }

  #came(): void {
    if (!this.#isFailing) return;
    this.#isFailing = false;
    this.logger.log('Tokens come again.');
  }

  /** Once when it goes and once when it is back, however many calls there are meanwhile. */
  #store({ state, cause }: StoreEvent): void {
    if (state === 'back') {
      this.logger.log('The token store is back: the processes share their tokens again.');
    } else {
      this.logger.warn(
        `The token store is away, and each process mints its own tokens until it is back: ${cause?.message}`,
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

function forAs(usableForMs: number): string {
  return Number.isFinite(usableForMs) ? `, for ${Math.round(usableForMs / 1000)} s more` : '';
}
