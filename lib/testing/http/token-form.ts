import type { HeaderValues, HttpExchange } from './http-exchange.js';
import { type HttpAnswer, oauthError } from './http-response.js';

export const MAX_FORM_BYTES = 64 * 1024;

export const MISSING_PARAMETER = 'Invalid grant_type parameter or parameter missing';

export interface TokenHttpRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: HeaderValues;
  /** Undefined if it was larger than `MAX_FORM_BYTES`. */
  readonly body: Buffer | undefined;
}

/** A fault in the form of a token or revocation request. */
export type FormFault =
  'method' | 'credential-header' | 'query' | 'content-type' | 'too-large' | 'repeated-field';

export type TokenForm =
  | { readonly fields: ReadonlyMap<string, string> }
  | { readonly fault: FormFault; readonly refusal: HttpAnswer };

const FORM = 'application/x-www-form-urlencoded';

/** Reads a request to a token endpoint, and adds its fields to the log. */
export async function readTokenRequest(exchange: HttpExchange): Promise<TokenHttpRequest> {
  const { record, request } = exchange;
  const body = await exchange.readBody(MAX_FORM_BYTES);
  if (body) record.body = Object.fromEntries(new URLSearchParams(body.toString('utf8')));
  return { method: record.method, path: record.path, headers: request.headersDistinct, body };
}

/** Checks the rules that every request to the token or the revocation endpoint must follow. */
export function readTokenForm(
  request: TokenHttpRequest,
  credentialHeaders: readonly string[],
): TokenForm {
  const { method, path, headers, body } = request;
  if (method !== 'POST') {
    const refusal = oauthError('invalid_request', 'The method must be POST.', 405);
    return {
      fault: 'method',
      refusal: { ...refusal, headers: { ...refusal.headers, allow: 'POST' } },
    };
  }
  for (const name of credentialHeaders) {
    if (headers[name]) {
      return refuse('credential-header', `The ${name} header must not be sent to this endpoint.`);
    }
  }
  // RFC 6749 section 2.3.1: a secret in a URL ends up in proxy logs.
  if (path.includes('?')) {
    return refuse('query', 'Parameters must be sent in the body, not in the URL.');
  }

  const contentType = headers['content-type']?.[0] ?? '';
  if (contentType.split(';', 1)[0]?.trim().toLowerCase() !== FORM) {
    return refuse('content-type', MISSING_PARAMETER);
  }
  if (!body) return refuse('too-large', 'The request body is too large.', 413);

  const fields = new Map<string, string>();
  const names = new Set<string>();
  for (const [name, value] of new URLSearchParams(body.toString('utf8'))) {
    if (names.has(name)) {
      return refuse('repeated-field', `Parameters must not be included more than once: ${name}`);
    }
    names.add(name);
    // RFC 6749 section 3.2: a parameter without a value counts as omitted.
    if (value !== '') fields.set(name, value);
  }
  return { fields };
}

function refuse(fault: FormFault, description: string, status = 400): TokenForm {
  return { fault, refusal: oauthError('invalid_request', description, status) };
}
