import { randomBytes } from 'node:crypto';
import type { EmulatorClock } from '../../http/emulator-clock.js';
import type { IssuedToken, TokenLedger } from '../../http/token-ledger.js';

/** A user's consent that the OAuth app can still use: its refresh token is valid. */
export interface EmulatedConnection {
  readonly userId: string;
  /** The scopes that the authorization request named; missing for all scopes of the app. */
  readonly scopes?: readonly string[];
  readonly connectedAtMs: number;
  readonly refreshedAtMs: number;
  /** When the refresh token expires unless it is used: 60 days after `refreshedAtMs`. */
  readonly expiresAtMs: number;
}

/** The access token and the refresh token of one response. */
export interface TokenPair {
  readonly access: IssuedToken;
  readonly refreshToken: string;
  /** The lifetime that the access token was issued with. */
  readonly lifetimeS: number | null;
}

interface Connection {
  readonly id: string;
  readonly userId: string;
  readonly scopes: readonly string[] | undefined;
  readonly connectedAtMs: number;
  refreshedAtMs: number;
  current: TokenPair;
  /** The pair that `current` replaced, until `current` is used for the first time. */
  previous?: TokenPair & { readonly expiresAtMs: number };
}

const REFRESH_LIFETIME_MS = 60 * 86_400_000;
// An `expires_in` of 0 would mean an unknown expiry.
const MIN_LIFE_MS = 1000;

/**
 * The consents of users, and their tokens.
 *
 * A refresh replaces both tokens. The documentation of Box calls refresh tokens single-use, but Box's staff describes a
 * grace: a repeated refresh gets the same pair, until the new pair is used for the first time. Then the old one ends.
 */
export class UserConnections {
  refreshGrace: boolean;
  readonly #clock: EmulatorClock;
  readonly #ledger: TokenLedger;
  readonly #active = new Map<string, Connection>();
  /** By every refresh token ever issued. */
  readonly #byRefreshToken = new Map<string, Connection>();

  constructor(clock: EmulatorClock, ledger: TokenLedger, refreshGrace: boolean) {
    this.#clock = clock;
    this.#ledger = ledger;
    this.refreshGrace = refreshGrace;
  }

  get active(): readonly EmulatedConnection[] {
    return [...this.#active.values()]
      .map(describe)
      .filter(({ expiresAtMs }) => expiresAtMs > this.#clock.nowMs());
  }

  /** Whether the refresh token of a consent is valid. */
  isActive(id: string): boolean {
    const connection = this.#active.get(id);
    return connection !== undefined && describe(connection).expiresAtMs > this.#clock.nowMs();
  }

  /** The user of a refresh token, even of a used one, so that a log can name them. */
  userOf(refreshToken: string): string | undefined {
    return this.#byRefreshToken.get(refreshToken)?.userId;
  }

  start(
    userId: string,
    scopes: readonly string[] | undefined,
    lifetimeS: number | null,
  ): TokenPair {
    const id = randomBytes(8).toString('hex');
    const nowMs = this.#clock.nowMs();
    const current = this.#issue({ id, userId, scopes }, lifetimeS);
    const times = { connectedAtMs: nowMs, refreshedAtMs: nowMs };
    const connection = { id, userId, scopes, ...times, current };
    this.#active.set(id, connection);
    this.#byRefreshToken.set(current.refreshToken, connection);
    return current;
  }

  refresh(refreshToken: string, lifetimeS: number | null): TokenPair | 'unknown' | 'expired' {
    const connection = this.#byRefreshToken.get(refreshToken);
    if (!connection || !this.#active.has(connection.id)) return 'unknown';
    const { current, previous } = connection;
    const nowMs = this.#clock.nowMs();
    if (refreshToken === current.refreshToken) {
      const expiresAtMs = connection.refreshedAtMs + REFRESH_LIFETIME_MS;
      return nowMs < expiresAtMs ? this.#rotate(connection, expiresAtMs, lifetimeS) : 'expired';
    }
    const isRepeat =
      this.refreshGrace && refreshToken === previous?.refreshToken && nowMs < previous.expiresAtMs;
    return isRepeat ? this.#repeat(connection, lifetimeS) : 'expired';
  }

  /** Ends the pair that this token's pair replaced. */
  noteUse({ connectionId = '', value }: IssuedToken): void {
    const connection = this.#active.get(connectionId);
    if (connection?.current.access.value === value) this.#endPrevious(connection);
  }

  /** Ends the connection of an access token or refresh token: revoking one of them disables the other as well. */
  revoke(token: string): void {
    const id = this.#ledger.find(token)?.connectionId;
    const connection =
      this.#byRefreshToken.get(token) ?? (id === undefined ? undefined : this.#active.get(id));
    const pairs = connection ? [connection.current, connection.previous] : [];
    const isOfPair = pairs.some(
      (pair) => pair?.refreshToken === token || pair?.access.value === token,
    );
    if (!connection || !isOfPair) return;
    for (const pair of pairs) if (pair) this.#ledger.revoke(pair.access.value);
    this.#active.delete(connection.id);
  }

  /** Ends all connections of a user, with their downscoped tokens. */
  revokeOf(userId: string): void {
    for (const { id, userId: ownerId } of this.#active.values()) {
      if (ownerId !== userId) continue;
      this.#active.delete(id);
      this.#ledger.revokeAll(({ connectionId }) => connectionId === id);
    }
  }

  #rotate(connection: Connection, expiresAtMs: number, lifetimeS: number | null): TokenPair {
    this.#endPrevious(connection);
    connection.previous = { ...connection.current, expiresAtMs };
    connection.current = this.#issue(connection, lifetimeS);
    connection.refreshedAtMs = this.#clock.nowMs();
    this.#byRefreshToken.set(connection.current.refreshToken, connection);
    return connection.current;
  }

  #repeat(connection: Connection, lifetimeS: number | null): TokenPair {
    const { access, refreshToken } = connection.current;
    if (!this.#ledger.findLive(access.value, MIN_LIFE_MS)) {
      connection.current = { ...this.#issue(connection, lifetimeS), refreshToken };
    }
    return connection.current;
  }

  #endPrevious(connection: Connection): void {
    if (connection.previous) this.#ledger.revoke(connection.previous.access.value);
    delete connection.previous;
  }

  #issue(
    { id, userId, scopes }: Pick<Connection, 'id' | 'userId' | 'scopes'>,
    lifetimeS: number | null,
  ): TokenPair {
    const access = this.#ledger.issue({ type: 'user', id: userId }, lifetimeS, {
      connectionId: id,
      ...(scopes && { restriction: { scopes } }),
    });
    return { access, refreshToken: randomBytes(32).toString('hex'), lifetimeS };
  }
}

function describe(connection: Connection): EmulatedConnection {
  const { userId, scopes, connectedAtMs, refreshedAtMs } = connection;
  const expiresAtMs = refreshedAtMs + REFRESH_LIFETIME_MS;
  return { userId, ...(scopes && { scopes }), connectedAtMs, refreshedAtMs, expiresAtMs };
}
