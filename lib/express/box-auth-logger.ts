import * as v from 'valibot';
import { objectWithMethods, parseOption } from '../core/app/option-checks.js';
import type { EventLogger } from '../core/events/event-log.js';

/**
 * The logger of an app, such as `console`, a pino or a winston logger, or Nest's `Logger`. Each method receives one line of
 * text.
 */
export interface BoxAuthLogger {
  /** Failures of calls. */
  error(line: string): void;
  /** Failures that no call notices yet. */
  warn(line: string): void;
  /** The end of a failure. */
  info?(line: string): void;
  /** Used by loggers without `info`. */
  log?(line: string): void;
  /** One line for each token request. */
  debug?(line: string): void;
}

/* oxlint-disable no-console -- the only logger that every app has */
/** Writes nothing while everything works. */
export const consoleLogger: EventLogger = {
  log: (line) => console.log(line),
  warn: (line) => console.warn(line),
  error: (line) => console.error(line),
};
/* oxlint-enable no-console */

const silentLogger: EventLogger = {
  log: () => undefined,
  warn: () => undefined,
  error: () => undefined,
};

const loggerOption = v.union(
  [
    v.literal(false),
    objectWithMethods<BoxAuthLogger>('error', 'warn', 'info'),
    objectWithMethods<BoxAuthLogger>('error', 'warn', 'log'),
  ],
  'false or an object with the methods error, warn and info',
);

/**
 * Returns a logger for the events of one app. Its lines begin with the name of the app, if it has one.
 *
 * @throws BoxAuthError `option_invalid`
 */
export function eventLogger(given: unknown, name: string | undefined): EventLogger {
  const logger = given === undefined ? undefined : parseOption(loggerOption, 'logger', given);
  if (logger === false) return silentLogger;
  const target = logger === undefined ? consoleLogger : withLog(logger);
  if (name === undefined) return target;
  const named = (line: string) => `${name}: ${line}`;
  return {
    log: (line) => target.log(named(line)),
    warn: (line) => target.warn(named(line)),
    error: (line) => target.error(named(line)),
    debug: (line) => target.debug?.(named(line)),
  };
}

function withLog(logger: BoxAuthLogger): EventLogger {
  return {
    log: (line) => (logger.info === undefined ? logger.log?.(line) : logger.info(line)),
    warn: (line) => logger.warn(line),
    error: (line) => logger.error(line),
    debug: (line) => logger.debug?.(line),
  };
}
