import { BoxAuth } from '../../lib/box/box-auth.js';
import type { BoxAuthOptions } from '../../lib/box/box-auth.options.js';
import { type LoopbackServer, startServer } from './loopback-server.js';

/** The enterprise of the credentials. */
export const OWN = '1';
export const TENANT = '7';
export const OTHER_TENANT = '8';
/** A user of `TENANT`. */
export const ANN = '71';
/** A user of `OTHER_TENANT`. */
export const BEN = '81';

export const credentials = { clientId: 'client', clientSecret: 'a secret', enterpriseId: OWN };

/** A call of the API. */
export interface TenantCall {
  readonly path: string;
  /** The subject of its token, such as `enterprise:7`. */
  readonly token: string;
  readonly asUser: string | undefined;
}

type Responder = (subject: string, request: Request) => Response | Promise<Response> | undefined;

const nothing: Responder = () => undefined;

/** Box with several enterprises: it grants a token to each subject, and knows the enterprise of each user. */
export class TenantBox {
  /** The enterprise of each user; undefined for a user without one. */
  readonly users = new Map<string, string | undefined>([
    [ANN, TENANT],
    [BEN, OTHER_TENANT],
  ]);
  /** The subjects of the token requests. */
  tokenRequests: string[] = [];
  /** The subjects of the tokens whose enterprise was asked for. */
  checks: string[] = [];
  calls: TenantCall[] = [];
  /** The subjects of the tokens that were revoked. */
  revoked: string[] = [];
  /** Responds to a token request instead. */
  onToken = nothing;
  /** Responds to the request for the enterprise of a user instead. */
  onCheck = nothing;
  /** Responds to a call of the API instead. */
  onCall = nothing;
  #tokens = 0;

  fetch = async (input: unknown, init?: RequestInit): Promise<Response> => {
    const request = new Request(String(input), init);
    const { pathname, searchParams } = new URL(request.url);
    if (pathname.endsWith('/oauth2/token')) return this.#grant(request);
    if (pathname.endsWith('/oauth2/revoke')) {
      const form = new URLSearchParams(await request.text());
      this.revoked.push(subjectOf(form.get('token')));
      return Response.json({});
    }
    const token = subjectOf(request.headers.get('authorization'));
    if (searchParams.get('fields') === 'enterprise') {
      this.checks.push(token);
      return (await this.onCheck(token, request)) ?? this.#person(token);
    }
    const asUser = request.headers.get('as-user') ?? undefined;
    this.calls.push({ path: pathname, token, asUser });
    return (await this.onCall(token, request)) ?? Response.json({ token, asUser });
  };

  clear(): void {
    this.tokenRequests = [];
    this.checks = [];
    this.calls = [];
    this.revoked = [];
    this.onToken = this.onCheck = this.onCall = nothing;
  }

  async #grant(request: Request): Promise<Response> {
    const form = new URLSearchParams(await request.text());
    const exchanged = form.get('subject_token');
    const subject =
      exchanged === null
        ? `${form.get('box_subject_type')}:${form.get('box_subject_id')}`
        : `downscoped:${subjectOf(exchanged)}`;
    this.tokenRequests.push(subject);
    this.#tokens += 1;
    return (
      (await this.onToken(subject, request)) ??
      Response.json({ access_token: `${subject}~${this.#tokens}`, expires_in: 3600 })
    );
  }

  #person(token: string): Response {
    const id = token.replace('user:', '');
    const enterprise = this.users.get(id);
    return Response.json({
      type: 'user',
      id,
      enterprise: enterprise === undefined ? null : { type: 'enterprise', id: enterprise },
    });
  }
}

function subjectOf(token: string | null): string {
  return token?.replace('Bearer ', '').replace(/~\d+$/, '') ?? 'none';
}

/** The refusal of a tenant that has not authorized the app. */
export const unauthorized = (): Response =>
  Response.json(
    {
      error: 'unauthorized_client',
      error_description: 'This app is not authorized by the enterprise admin',
    },
    { status: 400 },
  );

/** An app of `box` that serves `TENANT` and `OTHER_TENANT`. */
export const tenantApp = (box: TenantBox, options: Partial<BoxAuthOptions> = {}): BoxAuth =>
  new BoxAuth({ credentials, fetch: box.fetch, tenants: [TENANT, OTHER_TENANT], ...options });

/** Serves `box` on loopback, for clients that have their own connections. */
export const startTenantServer = (box: TenantBox): Promise<LoopbackServer> =>
  startServer(({ method, path, headers, body }, response) => {
    const names = Object.entries(headers).filter(([, value]) => typeof value === 'string');
    const init = {
      method,
      headers: names as [string, string][],
      ...(body !== '' && { body }),
    };
    void box.fetch(`http://localhost${path}`, init).then(async (answer) => {
      response.writeHead(answer.status, Object.fromEntries(answer.headers));
      response.end(Buffer.from(await answer.arrayBuffer()));
    });
  });
