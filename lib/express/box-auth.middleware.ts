import type { Request, RequestHandler } from 'express';
import {
  type ActingContext,
  type ActingUser,
  type ActingVia,
  contextForApp,
  currentActing,
  runInContext,
} from '../core/acting/acting-user.context.js';
import { checkedActingUserId, checkedVia } from '../box/acting-user.js';
import { BoxAuth } from '../box/box-auth.js';
import {
  booleanOption,
  checkOptions,
  invalidOption,
  parseOption,
} from '../core/app/option-checks.js';
import type { BoxAuthOptions } from '../box/box-auth.options.js';
import type { BoxFetch } from '../box/box-fetch.js';
import type { BoxTokenProvider } from '../box/box-token.provider.js';
import type { BoxCredentialsSource } from '../box/credentials/box-credentials.js';
import { boxApiUrlIn, boxVariableNames, boxCredentialsIn } from '../box/box.environment.js';
import { BoxAuthError } from '../core/errors/box-auth.error.js';

type UserId = string | null | undefined;

/** The options of `BoxAuthModule.forRoot`, and the acting user of a request. */
export interface BoxAuthExpressOptions extends Omit<BoxAuthOptions, 'credentials'> {
  /** The credentials of the app. Default: read from the environment, such as `BOX_CONFIG_FILE`. */
  readonly credentials?: BoxCredentialsSource | undefined;
  /**
   * Returns the Box user id of the user who sent a request. Without an id the request fails with `acting_user_missing`. Take
   * the id from your own session, never from what the client sends. Default: all calls are made by the service account.
   */
  readonly actingUser?: ((request: Request) => UserId | Promise<UserId>) | undefined;
  /** `'header'` sends `as-user`; `'token'` uses an access token of the user. Default `'header'`. */
  readonly via?: ActingVia | undefined;
  /** Serves unauthenticated requests as the service account instead of rejecting them. Default false. */
  readonly optional?: boolean | undefined;
}

/** Access to Box for one request. */
export interface RequestBox {
  /** A `fetch` that acts for the user of this request, in any async context. */
  readonly fetch: BoxFetch;
  /** `BoxTokenProvider.getToken`. */
  readonly getToken: BoxTokenProvider['getToken'];
  /** `BoxTokenProvider.runAs`. */
  readonly runAs: BoxTokenProvider['runAs'];
}

/** The middleware for `app.use`, and the provider for the rest of the app. */
export interface BoxAuthMiddleware extends RequestHandler {
  readonly provider: BoxTokenProvider;
  readonly fetch: BoxFetch;
  /** Ends token requests in flight. Call it on `server.on('close')`. Timers do not keep the process alive in any case. */
  close(): void;
}

declare global {
  // oxlint-disable-next-line typescript/no-namespace -- the way to extend the Request of Express
  namespace Express {
    interface Request {
      /** Set by `boxAuth` of `nestjs-box-auth/express`. */
      box: RequestBox;
    }
  }
}

/**
 * Creates a middleware for an Express app without Nest. It sets `req.box` for the handlers after it. Calls by `req.box.fetch`,
 * or by a client with one of our interceptors, act for the user of the request.
 *
 * @throws BoxAuthError for invalid credentials and options, like `BoxAuthModule.forRoot`
 *
 * @example
 * ```ts
 * import express from 'express';
 * import { boxAuth } from 'nestjs-box-auth/express';
 *
 * const app = express();
 * app.use(boxAuth({ credentials: { configFile: 'config.json' } }));
 * app.get('/whoami', async (req, res) => {
 *   const response = await req.box.fetch('/2.0/users/me');
 *   res.status(response.status).json(await response.json());
 * });
 * app.listen(3000);
 * ```
 */
export function boxAuth(given: BoxAuthExpressOptions = {}): BoxAuthMiddleware {
  checkOptions('boxAuth', given);
  const { actingUser, via: givenVia = 'header', optional = false, ...options } = given;
  const via = checkedVia(givenVia);
  if (actingUser !== undefined && typeof actingUser !== 'function') {
    throw invalidOption('actingUser', 'a function of the request', actingUser);
  }
  parseOption(booleanOption, 'optional', optional);
  const apiUrl = options.apiUrl ?? boxApiUrlIn(process.env);
  const { credentials = boxCredentialsIn(process.env) } = options;
  const box = new BoxAuth(
    { ...options, credentials, apiUrl },
    {
      fieldNames: options.credentials === undefined ? boxVariableNames : undefined,
      extraOptionNames: ['actingUser', 'via', 'optional'],
    },
  );
  box.keepWarm();

  const userOf = async (request: Request): Promise<ActingUser | undefined> => {
    const id = await actingUser?.(request);
    if (id != null) return { id: checkedActingUserId(id), via };
    if (actingUser !== undefined && !optional) throw actingUserMissing();
    return undefined;
  };
  const serve: RequestHandler = (request, _response, next) => {
    userOf(request).then((user) => {
      const source = {};
      const context = contextForApp(box.policy, { user, source });
      request.box = requestBox(box, context, source);
      runInContext(context, next);
    }, failRequest(next));
  };
  return Object.assign(serve, {
    provider: box.provider,
    fetch: box.fetch,
    close: () => box.close(),
  });
}

/** Express ignores undefined and the word 'route' as errors: the request would continue as the service account. */
function failRequest(next: (error: unknown) => void): (thrown: unknown) => void {
  return (thrown) =>
    next(
      thrown instanceof Error
        ? thrown
        : new Error('The actingUser function of boxAuth threw a value that is not an Error.', {
            cause: thrown,
          }),
    );
}

/** Restores the context of the request: a body parser may call back without a context, or in that of another request. */
function requestBox(
  { provider, fetch, policy }: BoxAuth,
  context: ActingContext,
  source: object,
): RequestBox {
  const within = <T>(fn: () => T): T =>
    currentActing(policy)?.source === source ? fn() : runInContext(context, fn);
  return {
    fetch: (input, init) => within(() => fetch(input, init)),
    getToken: (demand) => provider.getToken(demand),
    runAs: (user, fn) => within(() => provider.runAs(user, fn)),
  };
}

function actingUserMissing(): BoxAuthError {
  return new BoxAuthError({
    code: 'acting_user_missing',
    message: 'The actingUser function of boxAuth returned no user for this request.',
    hint: 'Reject unauthenticated requests before boxAuth, or set `optional: true` to serve them as the service account.',
    docs: 'https://developer.box.com/guides/authentication/jwt/as-user/',
  });
}
