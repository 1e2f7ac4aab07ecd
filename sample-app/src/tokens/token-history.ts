import { Injectable, type OnModuleDestroy } from '@nestjs/common';
import { onAuthEvent, type TokenEvent } from 'nestjs-box-auth';

const MAX_TOKENS = 1000;

/** How this process got a token. Times are milliseconds since the epoch. */
export interface TokenOrigin {
  readonly obtainedAt: number;
  /** Until then, the token is handed out. Infinity if its lifetime is unknown. */
  readonly usableUntil: number;
  /** Whether another process requested it. */
  readonly isShared: boolean;
}

/** Remembers where tokens came from, by their fingerprints. */
@Injectable()
export class TokenHistory implements OnModuleDestroy {
  readonly #origins = new Map<string, TokenOrigin>();
  readonly #stops = (['mint', 'renewal', 'forced-renewal'] as const).map((kind) =>
    onAuthEvent(kind, (event) => this.#remember(event)),
  );

  originOf(fingerprint: string): TokenOrigin | undefined {
    return this.#origins.get(fingerprint);
  }

  onModuleDestroy(): void {
    for (const stop of this.#stops) stop();
  }

  #remember({ fingerprint, outcome, startedAt, durationMs, usableForMs }: TokenEvent): void {
    if (fingerprint === undefined) return;
    this.#origins.set(fingerprint, {
      obtainedAt: startedAt,
      usableUntil: startedAt + durationMs + usableForMs,
      isShared: outcome === 'shared',
    });
    const [oldest] = this.#origins.keys();
    if (this.#origins.size > MAX_TOKENS && oldest !== undefined) this.#origins.delete(oldest);
  }
}
