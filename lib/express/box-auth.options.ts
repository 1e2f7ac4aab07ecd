import type { Request } from 'express';
import { checkedVia } from '../box/acting-user.js';
import type { BoxAuthOptions } from '../box/box-auth.options.js';
import type { BoxCredentialsSource } from '../box/credentials/box-credentials.js';
import type { BoxUsers } from '../box/users/box-users.js';
import type { ActingVia } from '../core/acting/acting.context.js';
import { checkedWarmUp, type WarmUp } from '../core/app/app-start.js';
import { checkedOnBadCredentials, type OnBadCredentials } from '../core/app/bad-credentials.js';
import {
  booleanOption,
  invalidOption,
  optionError,
  parseOption,
} from '../core/app/option-checks.js';
import type { EventLogger } from '../core/events/event-log.js';
import { type BoxAuthLogger, eventLogger } from './box-auth-logger.js';

type Id = string | null | undefined;

/** The options of `BoxAuthModule.forRoot`, and the acting user of a request. */
export interface BoxAuthExpressOptions extends Omit<BoxAuthOptions, 'credentials'> {
  /** The credentials of the app. Default: read from the environment, such as `BOX_CONFIG_FILE`. */
  readonly credentials?: BoxCredentialsSource | undefined;
  /**
   * Returns the Box user id of the user who sent a request. Without an id the request fails with `acting_user_missing`. Take
   * the id from your own session, never from what the client sends. `users` finds the Box ids of your users. Default: all calls
   * are made by the service account.
   */
  readonly actingUser?: ((request: Request, users: BoxUsers) => Id | Promise<Id>) | undefined;
  /** `'header'` sends `as-user`; `'token'` uses an access token of the user. Default `'header'`. */
  readonly via?: ActingVia | undefined;
  /** Serves unauthenticated requests as the service account instead of rejecting them. Default false. */
  readonly optional?: boolean | undefined;
  /**
   * Returns the enterprise id of the tenant that a request is for, one of the option `tenants`. Without an id the request fails
   * with `enterprise_missing`. Take the id from your own record of the signed-in user, never from what the client sends. It is
   * called before `actingUser`. Default: all calls are for the enterprise of the credentials.
   */
  readonly enterprise?: ((request: Request) => Id | Promise<Id>) | undefined;
  /** Serves requests without a tenant with the enterprise of the credentials instead of rejecting them. Default false. */
  readonly enterpriseOptional?: boolean | undefined;
  /**
   * Receives a line when token requests fail and when they succeed again, for a wrong clock and for an outage of the store, and a
   * debug line for each token request. `false` logs nothing. Default: the console, without debug lines.
   */
  readonly logger?: BoxAuthLogger | false | undefined;
  /** Whether the first token is requested now: `'try'` logs a failure, `'require'` makes `ready` reject. Default `'off'`. */
  readonly warmUp?: WarmUp | undefined;
  /** Distinguishes several Box apps of the process in log lines, errors, events and metrics. Default none. */
  readonly name?: string | undefined;
  /**
   * The effect of credentials that cannot be read, or that Box refuses during `warmUp`: `'fail'` makes boxAuth throw;
   * `'isolate'` logs the reason and fails the calls of this Box app only. Default `'fail'`.
   */
  readonly onBadCredentials?: OnBadCredentials | undefined;
}

/** The options that `boxAuth` handles itself. */
interface Settings {
  readonly actingUser: BoxAuthExpressOptions['actingUser'];
  readonly via: ActingVia;
  readonly optional: boolean;
  readonly enterprise: BoxAuthExpressOptions['enterprise'];
  readonly enterpriseOptional: boolean;
  readonly logger: EventLogger;
  readonly warmUp: WarmUp;
  readonly name: string | undefined;
  readonly onBadCredentials: OnBadCredentials;
}

/** The names of the options that `boxAuth` handles itself. */
export const settingNames = [
  'actingUser',
  'via',
  'optional',
  'enterprise',
  'enterpriseOptional',
  'logger',
  'warmUp',
  'name',
  'onBadCredentials',
] as const satisfies readonly (keyof Settings)[];

/** The options of the Box app. */
export type AppOptions = Omit<BoxAuthExpressOptions, keyof Settings>;

/**
 * Checks the options that `boxAuth` handles itself, and separates them from those of the Box app.
 *
 * @throws BoxAuthError `option_invalid`
 */
export function splitOptions(
  given: BoxAuthExpressOptions,
): readonly [settings: Settings, options: AppOptions] {
  // Defaults instead of `??`: null is an invalid option.
  const {
    actingUser,
    via = 'header',
    optional = false,
    enterprise,
    enterpriseOptional = false,
    logger,
    warmUp,
    name,
    onBadCredentials,
    ...options
  } = given;
  if (actingUser !== undefined && typeof actingUser !== 'function') {
    throw invalidOption('actingUser', 'a function of the request', actingUser);
  }
  if (enterprise !== undefined && typeof enterprise !== 'function') {
    throw invalidOption('enterprise', 'a function of the request', enterprise);
  }
  if (enterprise !== undefined && options.tenants === undefined) {
    throw optionError(
      'The option `enterprise` needs the option `tenants`: the enterprises that the app serves.',
      'Pass the enterprise ids of your tenants, or a function that looks them up, as `tenants`.',
    );
  }
  if (name !== undefined && (typeof name !== 'string' || name === '')) {
    throw invalidOption('name', 'a string that is not empty', name);
  }
  const settings = {
    actingUser,
    via: checkedVia(via),
    optional: parseOption(booleanOption, 'optional', optional),
    enterprise,
    enterpriseOptional: parseOption(booleanOption, 'enterpriseOptional', enterpriseOptional),
    logger: eventLogger(logger, name),
    warmUp: checkedWarmUp(warmUp),
    name,
    onBadCredentials: checkedOnBadCredentials(onBadCredentials),
  };
  return [settings, options];
}
