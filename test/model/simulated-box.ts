import type { FakeRuntime } from '../support/fake-runtime.js';

const LIFETIME_S = 3600;
const SLOW_MS = 3_000;

/** A token request. */
export interface Requested {
  readonly client: string;
  readonly type: 'enterprise' | 'user';
  readonly id: string;
  /** Undefined for a user without an enterprise. */
  readonly enterprise: string | undefined;
}

/** A token that Box granted. */
interface Granted extends Requested {
  readonly expiresAt: number;
  isRevoked: boolean;
}

/** A call of the API, other than the check of the enterprise of a user. */
export interface ArrivedCall {
  readonly number: number;
  /** Undefined if Box never granted it. */
  readonly token: Granted | undefined;
  readonly asUser: string | undefined;
}

/** A token request that failed. */
export interface TokenFault extends Requested {
  readonly kind: 'removed' | 'unavailable' | 'limited' | 'client' | 'user';
}

type Responder = () => Response | undefined;

/** Box with several enterprises, whose faults concern one client, one enterprise or one user each. */
export class SimulatedBox {
  readonly removed = new Set<string>();
  readonly unavailable = new Set<string>();
  readonly slow = new Set<string>();
  readonly refusedClients = new Set<string>();
  readonly refusedUsers = new Set<string>();
  /** The ends of the rate limits of the clients. */
  readonly limitedUntil = new Map<string, number>();
  onCall: (call: ArrivedCall) => void = () => undefined;
  onFault: (fault: TokenFault) => void = () => undefined;
  onSlow: (enterprise: string, isOver: boolean) => void = () => undefined;
  onTokenRequest: (request: Requested) => void = () => undefined;
  readonly #granted = new Map<string, Granted>();

  constructor(
    private readonly runtime: FakeRuntime,
    private readonly users: ReadonlyMap<string, string | undefined>,
    /** The response of Box to a token request for an enterprise that removed the app depends on the grant. */
    private readonly removal: 'unauthorized_client' | 'invalid_grant',
  ) {}

  fetch = async (input: unknown, init: RequestInit = {}): Promise<Response> => {
    const { pathname } = new URL(String(input));
    if (pathname === '/oauth2/token') {
      return this.#grant(new URLSearchParams(String(init.body)), init.signal ?? undefined);
    }
    const headers = new Headers(init.headers);
    const token = this.#granted.get(headers.get('authorization')?.replace('Bearer ', '') ?? '');
    const asUser = headers.get('as-user') ?? undefined;
    const number = pathname === '/2.0/users/me' ? undefined : Number(pathname.split('/').pop());
    if (number !== undefined) this.onCall({ number, token, asUser });
    if (token === undefined || token.isRevoked || token.expiresAt <= this.runtime.now()) {
      return new Response(null, {
        status: 401,
        headers: { 'www-authenticate': 'Bearer error="invalid_token"' },
      });
    }
    if (number === undefined) {
      const { enterprise } = token;
      return Response.json({ enterprise: enterprise === undefined ? null : { id: enterprise } });
    }
    const isAllowed = asUser === undefined || this.users.get(asUser) === token.enterprise;
    return Response.json({}, { status: isAllowed ? 200 : 403 });
  };

  /** Revokes the tokens of one enterprise. */
  revoke(enterprise: string): void {
    for (const granted of this.#granted.values()) {
      if (granted.enterprise === enterprise) granted.isRevoked = true;
    }
  }

  async #grant(form: URLSearchParams, signal: AbortSignal | undefined): Promise<Response> {
    const client = form.get('client_id') ?? '';
    const original = this.#granted.get(form.get('subject_token') ?? '');
    const type = form.get('box_subject_type') === 'user' ? 'user' : 'enterprise';
    const id = form.get('box_subject_id') ?? '';
    const requested = original ?? {
      client,
      type,
      id,
      enterprise: type === 'user' ? this.users.get(id) : id,
    };
    this.onTokenRequest(requested);
    const { enterprise } = requested;
    if (enterprise !== undefined && this.slow.has(enterprise)) {
      this.onSlow(enterprise, false);
      await this.#pause(signal);
      this.onSlow(enterprise, true);
    }
    const fault = this.#faultOf(requested);
    if (fault !== undefined) return fault;
    if (original?.isRevoked === true) return refuse('invalid_grant', 'Invalid subject_token');
    const granted = {
      ...requested,
      expiresAt: this.runtime.now() + LIFETIME_S * 1000,
      isRevoked: false,
    };
    const value = `token-${this.#granted.size}`;
    this.#granted.set(value, granted);
    return Response.json({ access_token: value, expires_in: LIFETIME_S });
  }

  /** The first fault that concerns a token request. */
  #faultOf(request: Requested): Response | undefined {
    const { client, type, id, enterprise } = request;
    const limitedForMs = (this.limitedUntil.get(client) ?? 0) - this.runtime.monotonic();
    const isOf = (enterprises: ReadonlySet<string>) =>
      enterprise !== undefined && enterprises.has(enterprise);
    const faults: readonly [TokenFault['kind'], boolean, Responder][] = [
      ['client', this.refusedClients.has(client), () => refuse('invalid_client', 'Invalid')],
      ['limited', limitedForMs > 0, () => limited(limitedForMs)],
      ['unavailable', isOf(this.unavailable), () => new Response(null, { status: 503 })],
      ['removed', isOf(this.removed), () => this.#removalResponse()],
      [
        'user',
        type === 'user' && this.refusedUsers.has(id),
        () => refuse('invalid_grant', "The 'sub' specified is invalid"),
      ],
    ];
    const fault = faults.find(([, applies]) => applies);
    if (fault === undefined) return undefined;
    const [kind, , respond] = fault;
    this.onFault({ client, type, id, enterprise, kind });
    return respond();
  }

  #removalResponse(): Response {
    return this.removal === 'unauthorized_client'
      ? refuse('unauthorized_client', 'This app is not authorized by the enterprise admin')
      : refuse('invalid_grant', 'Grant credentials are invalid');
  }

  async #pause(signal: AbortSignal | undefined): Promise<void> {
    await new Promise<void>((resolve) => {
      const cancel = this.runtime.schedule(resolve, SLOW_MS);
      signal?.addEventListener('abort', () => {
        cancel();
        resolve();
      });
    });
  }
}

function refuse(error: string, description: string): Response {
  return Response.json({ error, error_description: description }, { status: 400 });
}

function limited(forMs: number): Response {
  const headers = { 'retry-after': String(Math.ceil(forMs / 1000)) };
  return Response.json({ error: 'rate_limit_exceeded' }, { status: 429, headers });
}
