import type { BoxAuthOptions } from '../../../lib/box/box-auth.options.js';
import { BoxAuth } from '../../../lib/box/box-auth.js';
import { BoxUsers } from '../../../lib/box/users/box-users.js';
import { FakeRuntime } from '../../support/fake-runtime.js';

/** A user of the directory. */
export interface DirectoryUser {
  readonly id: string;
  readonly enterprise: string;
  readonly name: string;
  readonly login: string;
  readonly externalId?: string | undefined;
  readonly createdAt: string;
}

/** A call of the users API that arrived. */
export interface UsersCall {
  readonly method: string;
  readonly query: URLSearchParams;
  readonly body: Record<string, unknown> | undefined;
  /** The enterprise of the token. */
  readonly enterprise: string;
  readonly actingUser: string | null;
  readonly signal: AbortSignal | undefined;
}

type Responder = (call: UsersCall, respond: () => Response) => Response | Promise<Response>;

export const OWN = '1';
const PAGE_SIZE = 2; // smaller than the limit of any request, which Box allows

/** The users of several enterprises, and the API that lists and creates them. Its tokens name their enterprise. */
export class ScriptedDirectory {
  readonly users: DirectoryUser[] = [];
  readonly calls: UsersCall[] = [];
  /** Whether a second user with the same external id is refused, as seen at Box. */
  isUnique = true;
  /** Responds to each call instead of the directory, or passes it on. */
  intercept: Responder = (_, respond) => respond();
  #tokenRequests = 0;
  #lastId = 1_000;

  constructor(readonly runtime = new FakeRuntime()) {}

  /** Another process of the app. */
  process(options: Partial<BoxAuthOptions> = {}): { box: BoxAuth; users: BoxUsers } {
    const box = new BoxAuth({
      credentials: { clientId: 'app', clientSecret: 'hush', enterpriseId: OWN },
      runtime: this.runtime,
      fetch: this.fetch,
      ...options,
    });
    return { box, users: new BoxUsers(() => box) };
  }

  add(user: Partial<DirectoryUser>): string {
    const id = user.id ?? String(++this.#lastId);
    this.users.push({
      enterprise: OWN,
      name: `User ${id}`,
      login: `user-${id}@example.com`,
      createdAt: new Date(this.runtime.now()).toISOString(),
      ...user,
      id,
    });
    return id;
  }

  /** Responds once with these responders, in order. */
  script(...responders: Responder[]): void {
    this.intercept = (call, respond) => (responders.shift() ?? respond)(call, respond);
  }

  get methods(): string[] {
    return this.calls.map(({ method }) => method);
  }

  fetch = async (input: unknown, init: RequestInit = {}): Promise<Response> => {
    const url = new URL(String(input));
    const text = typeof init.body === 'string' ? init.body : '';
    if (url.pathname === '/oauth2/token') {
      const subject = new URLSearchParams(text).get('box_subject_id');
      const token = `${subject}-${++this.#tokenRequests}`;
      return json(200, { access_token: token, token_type: 'bearer', expires_in: 3_600_000 });
    }
    const headers = new Headers(init.headers);
    const [, enterprise = ''] = /^Bearer (\d+)-/.exec(headers.get('authorization') ?? '') ?? [];
    const call: UsersCall = {
      method: init.method ?? 'GET',
      query: url.searchParams,
      body: text === '' ? undefined : (JSON.parse(text) as Record<string, unknown>),
      enterprise,
      actingUser: headers.get('as-user'),
      signal: init.signal ?? undefined,
    };
    this.calls.push(call);
    if (url.pathname !== '/2.0/users') throw new Error(`Unexpected path ${url.pathname}`);
    return this.intercept(call, () =>
      call.method === 'POST' ? this.#create(call) : this.#list(call),
    );
  };

  #create({ body = {}, enterprise }: UsersCall): Response {
    const externalId = String(body['external_app_user_id']);
    const isTaken = this.users.some(
      (user) => user.enterprise === enterprise && user.externalId === externalId,
    );
    if (isTaken && this.isUnique) return conflict();
    const id = this.add({ enterprise, name: String(body['name']), externalId });
    const user = this.users.find((candidate) => candidate.id === id);
    return json(201, { type: 'user', id, name: user?.name, created_at: user?.createdAt });
  }

  #list({ query, enterprise }: UsersCall): Response {
    const term = query.get('filter_term')?.toLowerCase();
    const externalId = query.get('external_app_user_id');
    const found = this.users.filter(
      (user) =>
        user.enterprise === enterprise &&
        (term === undefined ||
          user.login.toLowerCase().startsWith(term) ||
          user.name.toLowerCase().startsWith(term)) &&
        (externalId === null || user.externalId === externalId),
    );
    if (query.get('usemarker') !== 'true') return json(200, { entries: found.map(listed) });
    const start = Number(query.get('marker') ?? 0);
    const end = start + PAGE_SIZE;
    return json(200, {
      entries: found.slice(start, end).map(listed),
      next_marker: end < found.length ? String(end) : '',
    });
  }
}

export function json(
  status: number,
  body: unknown,
  headers: Record<string, string> = {},
): Response {
  return new Response(JSON.stringify(body), {
    status,
    headers: { 'content-type': 'application/json', ...headers },
  });
}

export function conflict(): Response {
  const message = 'An app user already exists for this external_app_user_id';
  return json(409, { type: 'error', status: 409, code: 'conflict', message });
}

function listed({ id, name, login, externalId = '', createdAt }: DirectoryUser) {
  return { type: 'user', id, name, login, external_app_user_id: externalId, created_at: createdAt };
}
