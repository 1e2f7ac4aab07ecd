import { RepeatLimit } from '../runtime/repeat-limit.js';
import type { BoxAuthError } from './box-auth.error.js';
import { formatForLog, type GatewayResponse, isForThePerson } from './gateway-response.js';

/** Writes lines about failed requests. */
interface FailureLogger {
  warn(line: string): void;
  error(line: string): void;
}

/** Logs failed requests of the app's own clients: one line a minute for each code and status. */
export class FailureLog {
  readonly #limit = new RepeatLimit();

  constructor(
    private readonly logger: FailureLogger,
    private readonly now: () => number = () => Date.now(),
  ) {}

  /** A request that the client must correct is only a warning, and a person who must connect an account is no news. */
  write(error: BoxAuthError, { statusCode }: GatewayResponse): void {
    if (isForThePerson(error)) return;
    const suppressed = this.#limit.admit(`${error.code} ${error.status}`, this.now());
    if (suppressed === undefined) return;
    const level = statusCode < 500 ? 'warn' : 'error';
    this.logger[level](`${formatForLog(error)}${moreOf(suppressed)}`);
  }
}

function moreOf(suppressed: number): string {
  if (suppressed === 0) return '';
  const requests = suppressed === 1 ? 'request' : 'requests';
  return ` ${suppressed} more ${requests} failed like this since the last such line.`;
}
