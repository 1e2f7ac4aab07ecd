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

/** Everything that `BoxAuthModule.forRoot` takes, and whom a request acts for. */
export interface BoxAuthExpressOptions extends Omit<BoxAuthOptions, 'credentials'> {
  /** What proves the app to Box. Without it the environment is read: `BOX_CONFIG_FILE` and its like. */
  readonly credentials?: BoxCredentialsSource | undefined;
  /**
   * The Box user id of the person that a request is from. If it finds none the request fails with `acting_user_missing`.
   * Default: every call is the service account's own. What a client sends is not to be believed.
   */
  readonly actingUser?: ((request: Request) => UserId | Promise<UserId>) | undefined;
  /** `'header'` sends `as-user`; `'token'` uses a user access token of the user's own. Default `'header'`. */
  readonly via?: ActingVia | undefined;
  /** Serve a request of nobody as the service account, instead of refusing it. Default false. */
  readonly optional?: boolean | undefined;
}

/** Box, for one request. */
export interface RequestBox {
  /** A `fetch` that acts for the user of this request, wherever it is called from. */
  readonly fetch: BoxFetch;
  /** That of `BoxTokenProvider`. */
  readonly getToken: BoxTokenProvider['getToken'];
  /** That of `BoxTokenProvider`. */
  readonly runAs: BoxTokenProvider['runAs'];
}

/** What `app.use` takes, and what the rest of the app may need of it. */
export interface BoxAuthMiddleware extends RequestHandler {
  readonly provider: BoxTokenProvider;
  readonly fetch: BoxFetch;
  /** Ends what is in flight: for `server.on('close')`. No timer keeps the process alive without it. */
  close(): void;
}

declare global {
  // oxlint-disable-next-line typescript/no-namespace -- how Express has its Request extended
  namespace Express {
    interface Request {
      /** Put there by `boxAuth` of `nestjs-box-auth/express`. */
      box: RequestBox;
    }
  }
}

/**
 * Box for an Express app without Nest: `req.box` in every handler after it, and the acting user of the request on every
 * call that `req.box.fetch`, or a client with one of our interceptors, makes.
 *
 * @throws BoxAuthError for credentials and options that are wrong, as `BoxAuthModule.forRoot` does
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
    if (actingUser !== undefined && !optional) throw nobody();
    return undefined;
  };
  const serve: RequestHandler = (request, _response, next) => {
    userOf(request).then((user) => {
      const source = {};
      const context = contextForApp(box.policy, { user, source });
      request.box = requestBox(box, context, source);
      runInContext(context, next);
    }, refuse(next));
  };
  return Object.assign(serve, {
    provider: box.provider,
    fetch: box.fetch,
    close: () => box.close(),
  });
}

/** To Express nothing at all, or the word 'route', is no error: the request would go on as the service account's. */
function refuse(next: (error: unknown) => void): (thrown: unknown) => void {
  return (thrown) =>
    next(
      thrown instanceof Error
        ? thrown
        : new Error('The actingUser function of boxAuth threw what is no Error.', {
            cause: thrown,
          }),
    );
}

/** A parser that calls back from elsewhere loses the async context, or has another's: the request's own is kept here. */
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

function nobody(): BoxAuthError {
  return new BoxAuthError({
    code: 'acting_user_missing',
    message: 'The actingUser function of boxAuth found nobody whom the request is from.',
    hint: 'Refuse requests of nobody before boxAuth; or set `optional: true` to serve them as the service account.',
    docs: 'https://developer.box.com/guides/authentication/jwt/as-user/',
  });
}
