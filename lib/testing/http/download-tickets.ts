import { randomBytes } from 'node:crypto';
import { type EmulatorClock } from './emulator-clock.js';

const LIFETIME_MS = 15 * 60_000;

/** What a signed download address is worth: each ticket opens its file once, for a quarter of an hour. */
export class DownloadTickets {
  readonly #clock: EmulatorClock;
  readonly #tickets = new Map<string, { readonly fileId: string; readonly expiresAtMs: number }>();

  constructor(clock: EmulatorClock) {
    this.#clock = clock;
  }

  issue(fileId: string): string {
    const ticket = randomBytes(24).toString('base64url');
    this.#tickets.set(ticket, { fileId, expiresAtMs: this.#clock.nowMs() + LIFETIME_MS });
    return ticket;
  }

  /** The id of the file. */
  redeem(ticket: string): string | undefined {
    const entry = this.#tickets.get(ticket);
    this.#tickets.delete(ticket);
    return entry && entry.expiresAtMs > this.#clock.nowMs() ? entry.fileId : undefined;
  }
}
