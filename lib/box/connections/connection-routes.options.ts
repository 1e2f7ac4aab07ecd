import * as v from 'valibot';
import { functionOption, optionError, parseOptions } from '../../core/app/option-checks.js';
import { optionGroup } from '../../core/credentials/field-checks.js';
import type { MaybePromise } from '../../core/runtime/maybe-promise.js';

/** The routes with which people connect and disconnect their accounts. */
export interface BoxConnectionsRoutes<R = object> {
  /**
   * Returns the app's own id of the person who has signed in to the app: the owner. Without one, the response is a 401. Take the
   * id from the session, never from what the client sends.
   */
  owner(request: R): MaybePromise<string | null | undefined>;
  /** `GET` sends the person to Box. The query `returnTo` is the path to return to. Default `/box/connect`. */
  readonly connect?: string | undefined;
  /** `GET` by Box: the path of `redirectUri`, without the prefix of the app. Default `/box/callback`. */
  readonly callback?: string | undefined;
  /** `POST` by a page of the app removes the connection, and revokes its tokens. Default `/box/disconnect`. */
  readonly disconnect?: string | undefined;
}

/** The paths of the routes. */
export type RouteName = 'connect' | 'callback' | 'disconnect';
export type RoutePaths = Readonly<Record<RouteName, string>>;

const path = v.pipe(
  v.string('a path'),
  v.regex(/^(?:\/\w[\w.-]*)+\/?$/, 'a path, such as "/box/connect"'),
);

const routesGroup = optionGroup({
  owner: functionOption<BoxConnectionsRoutes['owner']>(),
  connect: v.optional(path, '/box/connect'),
  callback: v.optional(path, '/box/callback'),
  disconnect: v.optional(path, '/box/disconnect'),
} satisfies Record<keyof BoxConnectionsRoutes, v.GenericSchema>);

/**
 * Checks the option `routes` and returns the paths.
 *
 * @throws BoxAuthError `option_invalid`
 */
export function checkedRoutePaths(routes: unknown): RoutePaths {
  const { routes: checked } = parseOptions(v.object({ routes: routesGroup }), { routes });
  const { connect, callback, disconnect } = checked;
  const paths = { connect, callback, disconnect };
  if (new Set(Object.values(paths)).size === Object.keys(paths).length) return paths;
  throw optionError(
    'Invalid `routes`: two of `connect`, `callback` and `disconnect` are the same path.',
    'Give each route its own path.',
  );
}

/**
 * The path under which browsers see the app, such as `/api`: a global prefix of the app, or a proxy, may put it before the path of
 * the callback. Undefined if `redirectUri` is not a URL, which is checked elsewhere.
 *
 * @throws BoxAuthError `option_invalid` if the redirect URI does not lead to the callback
 */
export function prefixOf(redirectUri: unknown, { callback }: RoutePaths): string | undefined {
  if (typeof redirectUri !== 'string' || !URL.canParse(redirectUri)) return undefined;
  const { pathname } = new URL(redirectUri);
  if (pathname.endsWith(callback)) return pathname.slice(0, -callback.length);
  throw optionError(
    `The path of \`redirectUri\`, ${JSON.stringify(pathname)}, does not end with the route of the callback, ${JSON.stringify(callback)}.`,
    'Set `routes.callback` to the path of `redirectUri`, without the prefix of the app.',
  );
}
