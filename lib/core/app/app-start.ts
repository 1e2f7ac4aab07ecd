import type { Observable } from 'rxjs';
import { BoxAuthError } from '../errors/box-auth.error.js';
import type { AuthEvent } from '../events/auth-events.js';
import { EventLog, type EventLogger } from '../events/event-log.js';
import type { TokenCache } from '../tokens/token-cache.js';
import { isAboutCredentials, namedError, type OnBadCredentials } from './bad-credentials.js';
import { choiceOption, parseOption } from './option-checks.js';

/** Whether the first token is requested at the start: `'try'` logs a failure, `'require'` fails the start. */
export type WarmUp = 'off' | 'try' | 'require';

/** @throws BoxAuthError `option_invalid` */
export function checkedWarmUp(warmUp: WarmUp = 'off'): WarmUp {
  return parseOption(choiceOption(['off', 'try', 'require']), 'warmUp', warmUp);
}

/** An app that starts. */
export interface StartingApp {
  readonly events: Observable<AuthEvent>;
  /** Why the credentials could not be read, if that isolated the app. Retryable if they may become readable. */
  readonly problem: BoxAuthError | undefined;
  readonly tokens: Pick<TokenCache, 'get'>;
  close(): void;
}

interface StartOptions {
  readonly name: string | undefined;
  readonly warmUp: WarmUp;
  readonly onBadCredentials: OnBadCredentials;
  readonly logger: EventLogger;
}

/** Logs the events of an app from now on. An isolated app that cannot recover has only one line. */
export function logEvents({ events, problem }: StartingApp, logger: EventLogger): void {
  if (problem !== undefined) {
    const { code, message, hint } = problem;
    logger.error(
      `Starting without credentials (${code}); all calls of this app fail. ${message} ${hint}`,
    );
    if (!problem.retryable) return;
  }
  const log = new EventLog(logger);
  events.subscribe((event) => log.write(event));
}

/**
 * Requests the first token. `app` is undefined if a test replaced the provider by an object with only its methods.
 *
 * @throws BoxAuthError with `warmUp: 'require'`, the errors of `getToken`
 */
export async function warmUpApp(
  app: StartingApp | undefined,
  provider: { getToken(): Promise<unknown> },
  { name, warmUp, onBadCredentials, logger }: StartOptions,
): Promise<void> {
  if (warmUp === 'off' || app?.problem !== undefined) return;
  try {
    await (app === undefined ? provider.getToken() : app.tokens.get());
  } catch (error) {
    const isIsolated = onBadCredentials === 'isolate' && isAboutCredentials(error);
    if (!(error instanceof BoxAuthError) || (warmUp === 'require' && !isIsolated)) {
      app?.close();
      throw namedError(error, name);
    }
    logger.warn(
      'Starting without a token; the line above has the reason. The next call requests a token.',
    );
  }
}
