import { type BoxAnswer, oauthError } from './box-answer.js';

export const MAX_FORM_BYTES = 64 * 1024;

export const MISSING_PARAMETER = 'Invalid grant_type parameter or parameter missing';

export interface TokenHttpRequest {
  readonly method: string;
  readonly path: string;
  /** Every value of every header, names in lower case. */
  readonly headers: Readonly<Record<string, readonly string[] | undefined>>;
  /** Undefined when it was over `MAX_FORM_BYTES`. */
  readonly body: Buffer | undefined;
}

export type TokenForm =
  { readonly fields: ReadonlyMap<string, string> } | { readonly refusal: BoxAnswer };

const FORM = 'application/x-www-form-urlencoded';

/** What holds for every request to the token and the revocation endpoint, whatever it asks for. */
export function readTokenForm(request: TokenHttpRequest): TokenForm {
  const { method, path, headers, body } = request;
  if (method !== 'POST') {
    const refusal = oauthError('invalid_request', 'The method must be POST.', 405);
    return { refusal: { ...refusal, headers: { ...refusal.headers, allow: 'POST' } } };
  }
  for (const name of ['authorization', 'as-user']) {
    if (headers[name]) return refuse(`The ${name} header must not be sent to this endpoint.`);
  }
  // RFC 6749 2.3.1: a secret in an address ends up in the logs of every proxy.
  if (path.includes('?')) return refuse('Parameters must be sent in the body, not in the URL.');

  const contentType = headers['content-type']?.[0] ?? '';
  if (contentType.split(';', 1)[0]?.trim().toLowerCase() !== FORM) return refuse(MISSING_PARAMETER);
  if (!body) {
    return { refusal: oauthError('invalid_request', 'The request body is too large.', 413) };
  }

  const fields = new Map<string, string>();
  const names = new Set<string>();
  for (const [name, value] of new URLSearchParams(body.toString('utf8'))) {
    if (names.has(name)) {
      return refuse(`Parameters must not be included more than once: ${name}`);
    }
    names.add(name);
    // RFC 6749 3.2: a parameter without a value counts as left out.
    if (value !== '') fields.set(name, value);
  }
  return { fields };
}

function refuse(description: string): TokenForm {
  return { refusal: oauthError('invalid_request', description) };
}
