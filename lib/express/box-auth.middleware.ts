import type { Request, RequestHandler } from 'express';
import {
  type Acting,
  type ActingContext,
  type ActingUser,
  contextForApp,
  currentActing,
  runInContext,
} from '../core/acting/acting.context.js';
import { checkedActingUserId } from '../box/acting-user.js';
import { type BoxAuth, createBoxAuth } from '../box/box-auth.js';
import type { BoxFetch } from '../box/box-fetch.js';
import { checkedEnterpriseId, enterpriseMissing } from '../box/tenants.js';
import type { BoxTokenProvider } from '../box/box-token.provider.js';
import { BoxUsers } from '../box/users/box-users.js';
import {
  boxApiUrlIn,
  boxCredentialsIn,
  boxUploadUrlIn,
  boxVariableNames,
} from '../box/box.environment.js';
import { logEvents, warmUpApp } from '../core/app/app-start.js';
import { checkOptions } from '../core/app/option-checks.js';
import { BoxAuthError } from '../core/errors/box-auth.error.js';
import { type BoxAuthExpressOptions, settingNames, splitOptions } from './box-auth.options.js';
import { type BoxHealth, boxHealth, type BoxHealthOptions } from './box-health.js';
import { failRequest } from './fail-request.js';

/** Access to Box for one request. */
export interface RequestBox {
  /** A `fetch` that acts for the user of this request, in any async context. */
  readonly fetch: BoxFetch;
  /** `BoxTokenProvider.getToken`, for the enterprise of this request. */
  readonly getToken: BoxTokenProvider['getToken'];
  /** `BoxTokenProvider.runAs`. */
  readonly runAs: BoxTokenProvider['runAs'];
  /** `BoxTokenProvider.runFor`. */
  readonly runFor: BoxTokenProvider['runFor'];
  /** Finds and creates users in the enterprise of this request. */
  readonly users: Pick<BoxUsers, 'find' | 'findOrCreate' | 'forget'>;
}

/** The middleware for `app.use`, and the provider for the rest of the app. */
export interface BoxAuthMiddleware extends RequestHandler {
  readonly provider: BoxTokenProvider;
  readonly fetch: BoxFetch;
  readonly users: BoxUsers;
  /**
   * Resolves after `warmUp`. With `'require'` it rejects if there is no token: await it before `listen`. If the app does not
   * handle the rejection, Node ends the process.
   */
  readonly ready: Promise<void>;
  /**
   * Returns whether there is a token for calls to Box, like `BoxHealthIndicator` of `nestjs-box-auth/terminus`. Problems with Box
   * never make it reject.
   *
   * @throws BoxAuthError `option_invalid`
   */
  health(options?: BoxHealthOptions): Promise<BoxHealth>;
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
  const [settings, { credentials, ...options }] = splitOptions(given);
  const { actingUser, via, optional, logger, name, onBadCredentials } = settings;
  const { enterprise, enterpriseOptional } = settings;
  const apiUrl = options.apiUrl ?? boxApiUrlIn(process.env);
  const uploadUrl = options.uploadUrl ?? boxUploadUrlIn(process.env);
  const isInEnvironment = credentials === undefined; // null is an invalid option
  const box = createBoxAuth(
    { ...options, apiUrl, uploadUrl },
    () => (isInEnvironment ? boxCredentialsIn(process.env) : credentials),
    {
      name,
      fieldNames: isInEnvironment ? boxVariableNames : undefined,
      extraOptionNames: settingNames,
    },
    onBadCredentials,
  );
  logEvents(box, logger);
  const ready = warmUpApp(box, box.provider, settings);
  box.keepWarm();
  const users = new BoxUsers(() => box);

  const userOf = async (request: Request): Promise<ActingUser | undefined> => {
    const id = await actingUser?.(request, users);
    if (id != null) return { id: checkedActingUserId(id), via };
    if (actingUser !== undefined && !optional) throw actingUserMissing();
    return undefined;
  };
  const enterpriseOf = async (request: Request): Promise<string | undefined> => {
    const id = await enterprise?.(request);
    if (id != null) return checkedEnterpriseId(id, 'the enterprise function of boxAuth');
    if (enterprise === undefined || enterpriseOptional) return undefined;
    throw enterpriseMissing('The enterprise function of boxAuth returned no enterprise.');
  };
  const actingOf = async (request: Request): Promise<Acting> => {
    const forTenant = { source: {}, enterprise: await enterpriseOf(request) };
    if (forTenant.enterprise !== undefined) {
      await box.tenants.admit(forTenant, box.tokens.ownSubject);
    }
    const tenantContext = contextForApp(box.policy, forTenant);
    return { ...forTenant, user: await runInContext(tenantContext, () => userOf(request)) };
  };
  const serve: RequestHandler = (request, _response, next) => {
    actingOf(request).then(
      (acting) => {
        const context = contextForApp(box.policy, acting);
        request.box = requestBox(box, users, context, acting.source);
        runInContext(context, next);
      },
      failRequest(next, 'boxAuth'),
    );
  };
  return Object.assign(serve, {
    provider: box.provider,
    fetch: box.fetch,
    users,
    ready,
    health: (demand?: BoxHealthOptions) => boxHealth(box, demand),
    close: () => box.close(),
  });
}

/** Restores the context of the request: a body parser may call back without a context, or in that of another request. */
function requestBox(
  { provider, fetch, policy }: BoxAuth,
  users: BoxUsers,
  context: ActingContext,
  source: object | undefined,
): RequestBox {
  const within = <T>(fn: () => T): T =>
    currentActing(policy)?.source === source ? fn() : runInContext(context, fn);
  return {
    fetch: (input, init) => within(() => fetch(input, init)),
    getToken: (demand) => within(() => provider.getToken(demand)),
    runAs: (user, fn) => within(() => provider.runAs(user, fn)),
    runFor: (options, fn) => within(() => provider.runFor(options, fn)),
    users: {
      find: (query) => within(() => users.find(query)),
      findOrCreate: (user) => within(() => users.findOrCreate(user)),
      forget: (query) => within(() => users.forget(query)),
    },
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
