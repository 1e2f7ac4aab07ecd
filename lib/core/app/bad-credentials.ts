import { BoxAuthError } from '../errors/box-auth.error.js';
import { choiceOption, parseOption } from './option-checks.js';

/** Whether bad credentials fail the start, or only the calls of their own app. */
export type OnBadCredentials = 'fail' | 'isolate';

/** @throws BoxAuthError `option_invalid` */
export function checkedOnBadCredentials(given: OnBadCredentials = 'fail'): OnBadCredentials {
  return parseOption(choiceOption(['fail', 'isolate']), 'onBadCredentials', given);
}

/** Errors that are found when credentials are read, besides those of the private key. */
const CREDENTIALS_CODES = /^(?:config_|key_|credentials_unavailable$)/;

/** Whether an error is about the credentials of the app: unreadable, or refused by the token endpoint. */
export function isAboutCredentials(error: unknown): error is BoxAuthError {
  return (
    error instanceof BoxAuthError &&
    (CREDENTIALS_CODES.test(error.code) || (!error.retryable && error.status !== undefined))
  );
}

/** Puts the name of the app in front of the message, because one process may have several apps. */
export function namedError(error: unknown, name: string | undefined): unknown {
  if (name === undefined || !(error instanceof BoxAuthError)) return error;
  const { message, retryAfterMs } = error;
  return error.with({ message: `App ${JSON.stringify(name)}: ${message}`, retryAfterMs });
}
