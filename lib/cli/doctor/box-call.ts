import { boxApiError } from '../../box/box-api-error.js';
import { boxDocs } from '../../box/box-docs.js';
import { isRecord } from '../../core/credentials/field-checks.js';
import { BoxAuthError } from '../../core/errors/box-auth.error.js';
import type { Runtime } from '../../core/runtime/runtime.js';
import { readText, UnusableResponse } from '../../core/token-endpoint/token-request.js';
import { timeoutError, unreachableError } from '../../core/token-endpoint/network-errors.js';
import { printable } from '../terminal-text.js';
import type { DoctorFacts } from './doctor-report.js';

const TIMEOUT_MS = 10_000;

/** A resource that everybody may read: without a token Box answers 401, and what time it is. */
export const ME = '/2.0/users/me';

/**
 * What `call` gives, within ten seconds.
 *
 * @throws BoxAuthError `network`, `timeout`, and those of getting a token
 */
export async function withinTime<T>(
  url: string,
  runtime: Runtime,
  call: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const endpoint = { name: 'Box', docs: boxDocs.errors, tokenUrl: url };
  const timeout = new AbortController();
  const cancel = runtime.schedule(() => timeout.abort(), TIMEOUT_MS, { holdProcess: true });
  try {
    return await call(timeout.signal);
  } catch (error) {
    if (error instanceof BoxAuthError) throw error;
    const told = timeout.signal.aborted
      ? timeoutError(endpoint, { waitedMs: TIMEOUT_MS, attempts: 1 })
      : unreachableError(endpoint, error);
    // It was no token that was asked for.
    throw told.with({ message: told.message.replace("Box's token endpoint", 'Box at') });
  } finally {
    cancel();
  }
}

/**
 * Who Box says that it is talking to. `secrets` are taken out, should the answer repeat them.
 *
 * @throws BoxAuthError what `boxApiError` makes of a refusal, `response_invalid`
 */
export async function readUser(
  response: Response,
  secrets: readonly string[],
): Promise<Partial<DoctorFacts['account']>> {
  if (response.status >= 300 && response.status < 400) {
    await response.body?.cancel();
    throw notBox(response, `it redirects (status ${response.status})${originIn(response)}`);
  }
  if (!response.ok) throw await boxApiError(response);
  const user = parsed(await boundedText(response));
  if (!isRecord(user) || typeof user['id'] !== 'string') {
    throw notBox(response, 'it is no user in JSON');
  }
  return Object.fromEntries(
    ['id', 'name', 'login'].flatMap((field) => {
      const value = user[field];
      return typeof value === 'string' ? [[field, printable(value, secrets)]] : [];
    }),
  );
}

async function boundedText(response: Response): Promise<string> {
  try {
    return await readText(response);
  } catch (error) {
    throw error instanceof UnusableResponse ? notBox(response, error.message) : error;
  }
}

/** Where a redirect leads: its path and its query may hold secrets. */
function originIn({ headers, url }: Response): string {
  const location = headers.get('location');
  if (location === null || !URL.canParse(location, url)) return '';
  const { protocol, host } = new URL(location, url);
  return ` to ${printable(`${protocol}//${host}`)}`;
}

function notBox({ url }: Response, why: string): BoxAuthError {
  return new BoxAuthError({
    code: 'response_invalid',
    message: `What answered at ${printable(url)} is not Box: ${why}.`,
    hint: 'Check the API URL, and whether a proxy or a captive portal answers in its place.',
    docs: boxDocs.errors,
  });
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
