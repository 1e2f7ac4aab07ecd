import { Inject, Injectable, Optional } from '@nestjs/common';
import { type AccessToken, BoxTokenProvider, type Subject } from 'nestjs-box-auth';
import { BoxConnections, type ConnectionStatus } from 'nestjs-box-auth/connections';
import { DemoUsers } from '../sign-in/demo-users.js';
import { TokenHistory } from './token-history.js';

/** The clock that the ages of tokens are measured by. */
export const CLOCK = Symbol('CLOCK');

const MINUTE_MS = 60_000;
const EXPIRY_MARGIN_MS = 5_000;

/**
 * When a token is refreshed, in milliseconds before its end: the default of tokens that live for 50 minutes or more. The exact
 * time is random. See docs/token-lifecycle.md.
 */
const REFRESH_BEFORE_END_MS = { earliest: 12.5 * MINUTE_MS, latest: 10 * MINUTE_MS };

/** The token of a tenant, a user or a connection in this process. Times are in milliseconds from now. */
export interface TokenState {
  readonly holder: 'app' | 'tenant' | 'user' | 'connection';
  /** The enterprise of a tenant, or the name of a user. */
  readonly name: string;
  /** The e-mail address of a connected account. */
  readonly account?: string;
  readonly status: 'valid' | 'missing' | 'reauthorization_required';
  readonly fingerprint?: string;
  /** Whether another process requested it. */
  readonly isShared?: boolean;
  readonly ageMs?: number;
  readonly expiresInMs?: number;
  /** The refresh begins with the first call after a time between these two. */
  readonly refreshInMs?: { readonly from: number; readonly to: number };
}

type TokenDetails = Omit<TokenState, 'holder' | 'name' | 'account'>;

/** Shows the tokens in memory, without a request to Box and without their values. */
@Injectable()
export class TokenStates {
  constructor(
    private readonly tokens: BoxTokenProvider,
    private readonly users: DemoUsers,
    private readonly history: TokenHistory,
    @Inject(CLOCK) private readonly clock: { now(): number },
    @Optional() private readonly connections?: BoxConnections,
  ) {}

  async all(): Promise<readonly TokenState[]> {
    return [...this.#ofApp(), ...(await this.#ofConnections())];
  }

  /** How long it takes until the first token is due for a refresh; 0 if one is due now, or if there is no token. */
  refreshDueInMs(): number {
    const due = [...this.#ofApp(), ...this.#inMemoryOfConnections()].flatMap(
      ({ refreshInMs }) => refreshInMs?.to ?? [],
    );
    return due.length === 0 ? 0 : Math.max(Math.min(...due), 0);
  }

  #ofApp(): readonly TokenState[] {
    const { users } = this;
    return [
      this.#state('app', '', undefined),
      ...users.enterpriseIds.map((id) => this.#state('tenant', id, { type: 'enterprise', id })),
      ...users.all.map(({ name, boxId: id, enterpriseId }) =>
        this.#state('user', name, {
          type: 'user',
          id,
          ...(enterpriseId !== undefined && { enterprise: enterpriseId }),
        }),
      ),
    ];
  }

  #state(holder: TokenState['holder'], name: string, subject: Subject | undefined): TokenState {
    return { holder, name, ...this.#stateOf(this.tokens.peekToken(subject)) };
  }

  async #ofConnections(): Promise<readonly TokenState[]> {
    const { connections } = this;
    if (connections === undefined) return [];
    const found = await Promise.all(
      this.users.names.map(async (name) => {
        const connection = await connections.get(name);
        if (connection === undefined) return [];
        const { login: account } = connection.user;
        return {
          holder: 'connection' as const,
          name,
          account,
          ...this.#ofConnection(name, connection),
        };
      }),
    );
    return found.flat();
  }

  #inMemoryOfConnections(): readonly TokenDetails[] {
    return this.users.names.map((name) => this.#stateOf(this.#tokenOfConnection(name)));
  }

  #ofConnection(owner: string, { status }: { readonly status: ConnectionStatus }): TokenDetails {
    return status === 'active' ? this.#stateOf(this.#tokenOfConnection(owner)) : { status };
  }

  /** The token that a call for the owner of a connection would get. */
  #tokenOfConnection(owner: string): AccessToken | undefined {
    return this.connections?.runAs(owner, () => this.tokens.peekToken());
  }

  #stateOf(token: AccessToken | undefined): TokenDetails {
    if (token === undefined) return { status: 'missing' };
    const { fingerprint } = token;
    const origin = this.history.originOf(fingerprint);
    return {
      status: 'valid',
      fingerprint,
      ...(origin !== undefined && {
        isShared: origin.isShared,
        ageMs: this.clock.now() - origin.obtainedAt,
        ...this.#scheduleOf(origin.usableUntil),
      }),
    };
  }

  #scheduleOf(usableUntil: number) {
    if (!Number.isFinite(usableUntil)) return {};
    const expiresInMs = usableUntil + EXPIRY_MARGIN_MS - this.clock.now();
    const { earliest, latest } = REFRESH_BEFORE_END_MS;
    return { expiresInMs, refreshInMs: { from: expiresInMs - earliest, to: expiresInMs - latest } };
  }
}
