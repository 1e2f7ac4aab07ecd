import * as v from 'valibot';
import { BoxAuthError } from '../../core/errors/box-auth.error.js';
import { withTimeLimit } from '../../core/runtime/time-budget.js';
import {
  serverTimeoutError,
  unreachableServerError,
} from '../../core/token-endpoint/network-errors.js';
import { readJsonObject, UnusableResponse } from '../../core/token-endpoint/token-request.js';
import { boxApiError } from '../box-api-error.js';
import { boxDocs } from '../box-docs.js';
import type { BoxFetchInit } from '../box-fetch.js';
import type { BoxApp } from '../box-token.provider.js';
import { isBoxId } from '../credentials/box-id.js';
import { normalizedLogin, type UserCriterion } from './user-query.js';

const TIMEOUT_MS = 30_000;

const userSchema = v.object({
  id: v.custom<string>(isBoxId),
  created_at: v.nullish(v.string(), ''),
});

/** Without the field of the criterion, a response cannot be trusted: it may list all users. */
const pages = {
  login: pageOf(v.object({ ...userSchema.entries, login: v.string() })),
  external_app_user_id: pageOf(
    v.object({ ...userSchema.entries, external_app_user_id: v.string() }),
  ),
};

/** A user in a response of Box. */
type ApiUser = v.InferOutput<typeof userSchema>;

type Request = <S extends v.GenericSchema>(
  query: string,
  schema: S,
  init?: BoxFetchInit,
) => Promise<v.InferOutput<S>>;

/** The users of one enterprise. The calls act for the current user, if there is one. */
export class UsersApi {
  readonly #url: string;

  constructor(
    private readonly app: BoxApp,
    /** The id of the enterprise in errors. */
    private readonly enterprise: string | undefined,
  ) {
    this.#url = `${app.apiUrl}/2.0/users`;
  }

  /**
   * Returns the id of the user with exactly that login or external id; of several, the one that was created first.
   *
   * @throws BoxAuthError
   */
  async find(criterion: UserCriterion): Promise<string | undefined> {
    return firstCreated(await this.#list(criterion))?.id;
  }

  /**
   * Creates an app user, and returns its id. If another process created the same user since the caller looked it up, Box responds
   * with 409, "An app user already exists for this external_app_user_id". The user that was created first counts.
   *
   * @throws BoxAuthError
   */
  async create(externalId: UserCriterion, name: string): Promise<string> {
    let created: ApiUser | undefined;
    let failure: unknown;
    try {
      created = await this.#post(externalId.value, name);
    } catch (error) {
      if (!mayExist(error)) throw error;
      failure = error;
    }
    const listed = await this.#list(externalId);
    const user = firstCreated(created === undefined ? listed : [created, ...listed]);
    if (user === undefined) throw failure;
    return user.id;
  }

  /** https://developer.box.com/reference/get-users/ */
  #list({ field, value }: UserCriterion): Promise<ApiUser[]> {
    const fields = `${field},created_at`;
    const search: Record<string, string> =
      field === 'login'
        ? // Finds names and logins that begin with the term.
          { filter_term: value, user_type: 'managed', fields, limit: '50', usemarker: 'true' }
        : { external_app_user_id: value, fields };
    return this.#within(async (request) => {
      const users: ApiUser[] = [];
      let marker: string | null | undefined;
      do {
        const query = new URLSearchParams(marker == null ? search : { ...search, marker });
        const page = await request(`?${query.toString()}`, pages[field]);
        users.push(...page.entries.filter((entry) => valueIn(entry) === value));
        marker = page.next_marker;
      } while (marker != null && marker !== '');
      return users;
    });
  }

  /** https://developer.box.com/reference/post-users/ */
  #post(externalAppUserId: string, name: string): Promise<ApiUser> {
    const body = { name, is_platform_access_only: true, external_app_user_id: externalAppUserId };
    return this.#within((request) =>
      request('', userSchema, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      }),
    );
  }

  /** Runs `work` until the app is closed, for at most 30 s. */
  async #within<T>(work: (request: Request) => Promise<T>): Promise<T> {
    const { policy, tokens } = this.app;
    const server = { title: "Box's API", url: this.#url, docs: boxDocs.errors };
    const limit = {
      runtime: policy.runtime,
      limitMs: TIMEOUT_MS,
      toError: () => serverTimeoutError(server, { waitedMs: TIMEOUT_MS, attempts: 1 }),
    };
    try {
      return await tokens.whileOpen((closing) =>
        withTimeLimit({ ...limit, signal: closing }, (signal) => work(this.#requestUntil(signal))),
      );
    } catch (thrown) {
      const error =
        thrown instanceof BoxAuthError ? thrown : unreachableServerError(server, thrown);
      const { message } = error;
      throw this.enterprise === undefined
        ? error
        : error.with({ message, enterprise: this.enterprise });
    }
  }

  #requestUntil(signal: AbortSignal): Request {
    return async (query, schema, init) => {
      signal.throwIfAborted(); // a `fetch` of the app's own may ignore it
      const response = await this.app.fetch(`${this.#url}${query}`, { ...init, signal });
      if (!response.ok) throw await boxApiError(response);
      const parsed = v.safeParse(schema, await readJsonObject(response));
      if (!parsed.success) throw new UnusableResponse('it has no users with the expected fields');
      return parsed.output;
    };
  }
}

/** Whether the user may exist after a failed creation. A request may succeed although its response is lost, or is a 503. */
function mayExist(error: unknown): boolean {
  if (!(error instanceof BoxAuthError)) return false;
  return error.status === 409 || (error.retryable && error.code !== 'rate_limited');
}

/** The user that was created first; of those of the same second, the one with the lowest id. */
function firstCreated(users: readonly ApiUser[]): ApiUser | undefined {
  return users.toSorted(
    (one, other) =>
      createdAt(one) - createdAt(other) || (BigInt(one.id) < BigInt(other.id) ? -1 : 1),
  )[0];
}

function createdAt({ created_at: time }: ApiUser): number {
  const ms = Date.parse(time);
  return Number.isNaN(ms) ? Number.MAX_SAFE_INTEGER : ms;
}

function valueIn(entry: { readonly login: string } | { readonly external_app_user_id: string }) {
  return 'login' in entry ? normalizedLogin(entry.login) : entry.external_app_user_id;
}

function pageOf<const S extends v.GenericSchema>(entry: S) {
  return v.object({ entries: v.array(entry), next_marker: v.optional(v.nullable(v.string())) });
}
