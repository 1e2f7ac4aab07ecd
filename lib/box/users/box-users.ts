import { AsyncResource } from 'node:async_hooks';
import {
  type Acting,
  contextForApp,
  currentActing,
  runInContext,
} from '../../core/acting/acting.context.js';
import { enterpriseOf } from '../../core/credentials/subject.js';
import { untilAborted } from '../../core/runtime/abort.js';
import { rejected } from '../../core/tokens/rejection-throttle.js';
import type { BoxApp } from '../box-token.provider.js';
import { RememberedIds } from './remembered-ids.js';
import {
  type BoxUserQuery,
  type CheckedQuery,
  checkedNewUser,
  checkedQuery,
  type NewBoxUser,
  type UserCriterion,
} from './user-query.js';
import { UsersApi } from './users-api.js';

/** One search in one enterprise. */
interface Search {
  readonly app: BoxApp;
  readonly key: string;
  readonly criterion: UserCriterion;
  readonly acting: Acting;
}

/**
 * Finds the Box ids of your own users, by login or by the id that your app has for them, and creates app users. Give it to
 * `@AsUser`, or inject it. The service account of the enterprise makes the calls, also inside `@AsUser` and `runAs`: the app needs
 * the scope "Manage users" or "Manage app users".
 *
 * An id is remembered for an hour, and a user that does not exist for 30 s; of 10,000 results, the least recently used one is
 * forgotten. Errors are not remembered. Concurrent calls for the same user share one request.
 *
 * @example
 * ```ts
 * import { Controller, type ExecutionContext, Get } from '@nestjs/common';
 * import { AsUser, BoxFetch, type BoxUsers } from 'nestjs-box-auth';
 *
 * // A guard verifies the session and sets `request.user`.
 * type Session = { user: { email: string } };
 *
 * const signedIn = (context: ExecutionContext, users: BoxUsers) =>
 *   users.find({ login: context.switchToHttp().getRequest<Session>().user.email });
 *
 * @Controller('folders')
 * @AsUser(signedIn)
 * export class FoldersController {
 *   constructor(private readonly box: BoxFetch) {}
 *
 *   @Get()
 *   async root(): Promise<unknown> {
 *     return (await this.box('/2.0/folders/0/items')).json();
 *   }
 * }
 * ```
 */
export class BoxUsers {
  readonly #findApp: () => BoxApp;
  readonly #asyncScope = new AsyncResource('nestjs-box-auth.BoxUsers');
  readonly #ids = new RememberedIds();
  readonly #lookups = new Map<string, Promise<string | undefined>>();
  readonly #creations = new Map<string, Promise<string>>();

  /** @internal Created by `BoxAuthModule`, or by `boxAuth` of `nestjs-box-auth/express`. */
  constructor(findApp: () => BoxApp) {
    this.#findApp = findApp;
  }

  /**
   * Returns the Box id of the user with that login or external id, or undefined if the enterprise has none. A login must match
   * completely, except for capital letters. Pass only a login that your sign-in has verified: a client that can choose it
   * acts for its owner. An external id belongs to an app user that this app created. If several users have it,
   * the one that was created first counts.
   *
   * @throws BoxAuthError `option_invalid` for an invalid query, `enterprise_missing`, `enterprise_not_allowed`,
   * `insufficient_scope` or `access_denied` if the app must not list users, the other errors of `boxApiError` and
   * `BoxTokenProvider.getToken`, and `network`, `timeout`, `response_invalid`
   *
   * @example
   * ```ts
   * import { BoxFetch, BoxTokenProvider, BoxUsers } from 'nestjs-box-auth';
   *
   * export async function rootOf(
   *   login: string,
   *   users: BoxUsers,
   *   provider: BoxTokenProvider,
   *   box: BoxFetch,
   * ): Promise<Response | undefined> {
   *   const id = await users.find({ login });
   *   return id === undefined ? undefined : provider.runAs(id, () => box('/2.0/folders/0'));
   * }
   * ```
   */
  async find(query: BoxUserQuery): Promise<string | undefined> {
    const search = await this.#admitted(() => checkedQuery(query, 'find'), query?.signal);
    const known = this.#ids.recall(search.key, search.app.policy.runtime);
    return known === undefined ? untilAborted(query.signal, this.#lookUp(search)) : known.id;
  }

  /**
   * Returns the Box id of the app user with that external id, and creates the user if there is none. Concurrent calls of one
   * process create one user. If another process creates the same user at that time, Box refuses the second one, and the first one
   * is returned. If Box ever creates both, every process that looks them up from then on returns the one that was created first;
   * the other one stays unused.
   *
   * @throws BoxAuthError the errors of `find`, and `request_refused` if Box refuses the user, such as a name of more than 50
   * characters
   *
   * @example
   * ```ts
   * import type { BoxUsers } from 'nestjs-box-auth';
   *
   * export function boxIdOf(user: { id: string; name: string }, users: BoxUsers): Promise<string> {
   *   return users.findOrCreate({ externalAppUserId: user.id, name: user.name });
   * }
   * ```
   */
  async findOrCreate(user: NewBoxUser): Promise<string> {
    const check = () => checkedNewUser(user, 'findOrCreate');
    const search = await this.#admitted(check, user?.signal);
    const known = this.#ids.recall(search.key, search.app.policy.runtime)?.id;
    if (known !== undefined) return known;
    const creation = shared(this.#creations, search.key, () =>
      this.#createIfMissing(search, user.name),
    );
    return untilAborted(user.signal, creation);
  }

  /**
   * Forgets the result for a user, so that the next call asks Box again. Call it after a user was deleted, or got another login.
   * `enterprise` defaults as in `find`.
   *
   * @throws BoxAuthError `option_invalid`, `enterprise_missing`, `enterprise_not_allowed`
   *
   * @example
   * ```ts
   * import type { BoxUsers } from 'nestjs-box-auth';
   *
   * export function onUserDeleted(users: BoxUsers, login: string): void {
   *   users.forget({ login });
   * }
   * ```
   */
  forget(query: BoxUserQuery): void {
    const { key } = this.#search(checkedQuery(query, 'forget'));
    this.#ids.forget(key);
    this.#lookups.delete(key);
  }

  /** The search for a query, once its enterprise is admitted. */
  async #admitted(check: () => CheckedQuery, signal: AbortSignal | undefined): Promise<Search> {
    try {
      const search = this.#search(check());
      const { app, acting } = search;
      signal?.throwIfAborted();
      await app.tenants.admit(acting, app.tokens.ownSubject);
      return search;
    } catch (error) {
      return rejected(error);
    }
  }

  #search({ criterion, enterprise: named }: CheckedQuery): Search {
    const app = this.#findApp();
    const current = currentActing(app.policy);
    const enterprise = named ?? current?.enterprise;
    const own = app.tokens.ownSubject;
    const directory = enterprise ?? (own && enterpriseOf(own));
    return {
      app,
      key: JSON.stringify([directory, criterion.field, criterion.value]),
      criterion,
      acting: { enterprise, source: current?.source ?? {} },
    };
  }

  #lookUp(search: Search): Promise<string | undefined> {
    const { key, criterion } = search;
    const lookup = shared(this.#lookups, key, async () => {
      const id = await this.#call(search, (api) => api.find(criterion));
      // Otherwise the result was forgotten, or the user was created meanwhile.
      if (this.#lookups.get(key) === lookup) this.#ids.remember(key, id, search.app.policy.runtime);
      return id;
    });
    return lookup;
  }

  async #createIfMissing(search: Search, name: string): Promise<string> {
    const existing = await this.#lookUp(search);
    if (existing !== undefined) return existing;
    const { criterion, key } = search;
    const id = await this.#call(search, (api) => api.create(criterion, name));
    this.#lookups.delete(key); // a lookup that runs may miss the new user
    this.#ids.remember(key, id, search.app.policy.runtime);
    return id;
  }

  /** Calls the API as the service account, outside of every caller's async context, because all callers share the result. */
  #call<T>({ app, acting }: Search, call: (api: UsersApi) => Promise<T>): Promise<T> {
    return this.#asyncScope.runInAsyncScope(() =>
      runInContext(contextForApp(app.policy, acting), () =>
        call(new UsersApi(app, acting.enterprise)),
      ),
    );
  }
}

/** The running work for a key, or else `start`. */
function shared<T>(
  running: Map<string, Promise<T>>,
  key: string,
  start: () => Promise<T>,
): Promise<T> {
  const known = running.get(key);
  if (known !== undefined) return known;
  const work = start().finally(() => {
    if (running.get(key) === work) running.delete(key);
  });
  running.set(key, work);
  return work;
}
