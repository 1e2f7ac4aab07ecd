import { boxApiError } from '../../box/box-api-error.js';
import { boxDocs } from '../../box/box-docs.js';
import { isRecord } from '../../core/credentials/field-checks.js';
import { BoxAuthError } from '../../core/errors/box-auth.error.js';
import type { Runtime } from '../../core/runtime/runtime.js';
import { readText, UnusableResponse } from '../../core/token-endpoint/token-request.js';
import {
  serverTimeoutError,
  unreachableServerError,
} from '../../core/token-endpoint/network-errors.js';
import { printable } from '../terminal-text.js';
import type { DoctorFacts } from './doctor-report.js';

const TIMEOUT_MS = 10_000;

/** A resource that every token may read. Without a token Box responds with 401 and its `Date`. */
export const CURRENT_USER_PATH = '/2.0/users/me';

/**
 * Runs `call` with a timeout of ten seconds.
 *
 * @throws BoxAuthError `network`, `timeout`, and the errors of a token request
 */
export async function withTimeout<T>(
  url: string,
  runtime: Runtime,
  call: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const server = { title: 'Box at', url, docs: boxDocs.errors };
  const timeout = new AbortController();
  const cancel = runtime.schedule(() => timeout.abort(), TIMEOUT_MS, { holdProcess: true });
  try {
    return await call(timeout.signal);
  } catch (error) {
    if (error instanceof BoxAuthError) throw error;
    throw timeout.signal.aborted
      ? serverTimeoutError(server, { waitedMs: TIMEOUT_MS, attempts: 1 })
      : unreachableServerError(server, error);
  } finally {
    cancel();
  }
}

/**
 * Reads the user from the response of `users/me`, and removes `secrets` from its fields.
 *
 * @throws BoxAuthError `response_invalid`, or the error of `boxApiError` for an error response
 */
export async function readUser(
  response: Response,
  secrets: readonly string[],
): Promise<Partial<DoctorFacts['account']>> {
  if (response.status >= 300 && response.status < 400) {
    await response.body?.cancel();
    throw notBox(
      response,
      `it is a redirect (status ${response.status})${redirectOrigin(response)}`,
    );
  }
  if (!response.ok) throw await boxApiError(response);
  const user = parseJson(await boundedText(response));
  if (!isRecord(user) || typeof user['id'] !== 'string') {
    throw notBox(response, 'the body is not a user in JSON');
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

/** The origin of a redirect's target. Its path and query may contain secrets. */
function redirectOrigin({ headers, url }: Response): string {
  const location = headers.get('location');
  if (location === null || !URL.canParse(location, url)) return '';
  const { protocol, host } = new URL(location, url);
  return ` to ${printable(`${protocol}//${host}`)}`;
}

function notBox({ url }: Response, reason: string): BoxAuthError {
  return new BoxAuthError({
    code: 'response_invalid',
    message: `The response from ${printable(url)} is not from Box: ${reason}.`,
    hint: 'Check the API URL, and whether a proxy or a captive portal intercepts the request.',
    docs: boxDocs.errors,
  });
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
