import { BoxEmulator } from '../../lib/testing/box/box-emulator.js';
import type { EmulatedConfig } from '../../lib/testing/box/emulated-app.js';
import type { Fault } from '../../lib/testing/http/faults.js';
import { MEMBER_HEADER } from './messages.js';

/** Long enough that the token requests of several processes would overlap. */
const MINT_MS = 100;

interface TokenRequest {
  readonly member: string;
  readonly atMs: number;
}

/** A Box emulator that counts the requests of a fleet. */
export class CountedBox {
  readonly tokenRequests: TokenRequest[] = [];
  /** The fault of the next token request, instead of the usual delay. */
  nextFault: Fault | undefined;
  #mintsBefore = 0;

  private constructor(readonly emulator: BoxEmulator) {
    emulator.onToken = ({ headers }) => {
      this.tokenRequests.push({ member: headers[MEMBER_HEADER] ?? '', atMs: performance.now() });
      const fault = this.nextFault ?? { kind: 'delay', ms: MINT_MS };
      this.nextFault = undefined;
      return fault;
    };
  }

  static async start(tokenLifetimeS: number, config?: EmulatedConfig): Promise<CountedBox> {
    return new CountedBox(await BoxEmulator.start({ tokenLifetimeS, ...(config && { config }) }));
  }

  /** The part of an order that members need to reach this Box. */
  get address(): { readonly apiUrl: string; readonly config: EmulatedConfig } {
    return { apiUrl: this.emulator.url, config: this.emulator.config };
  }

  /** Tokens granted since the last `forget`. */
  get mints(): number {
    return this.emulator.mints - this.#mintsBefore;
  }

  get refusedCalls(): number {
    return this.emulator.apiRequests.filter(({ status }) => status === 401).length;
  }

  /** The number of token requests per member. */
  requestsBy(requests: readonly TokenRequest[]): ReadonlyMap<string, number> {
    const counts = new Map<string, number>();
    for (const { member } of requests) counts.set(member, (counts.get(member) ?? 0) + 1);
    return counts;
  }

  /** The token of each member's latest call. */
  get lastTokens(): ReadonlyMap<string, string> {
    return new Map(
      this.emulator.apiRequests.map(({ headers }) => [
        headers[MEMBER_HEADER] ?? '',
        headers['authorization'] ?? '',
      ]),
    );
  }

  /** Whether all members call with the same token. */
  isOneTokenFor(members: number): boolean {
    const tokens = this.lastTokens;
    return tokens.size === members && new Set(tokens.values()).size === 1;
  }

  forget(): void {
    this.#mintsBefore = this.emulator.mints;
    this.tokenRequests.length = 0;
    this.emulator.clearRequests();
  }

  stop(): Promise<void> {
    return this.emulator.stop();
  }
}
