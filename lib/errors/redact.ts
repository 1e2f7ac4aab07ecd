import { types } from 'node:util';

const REDACTED = '[redacted]';
const LONGEST_READ = 4000;

const SHAPES_OF_SECRETS: readonly RegExp[] = [
  /-----BEGIN [^-]*-----[\s\S]*?(?:-----END [^-]*-----|$)/g, // PEM, also one that was cut
  /\b(?:bearer|basic)\s+\S+/gi, // RFC 6750, RFC 7617
  /\b(?:client_secret|assertion|passphrase|\w*token|secret|password)["']?\s*[=:]\s*["']?[^\s"'&,}]+/gi,
  /(?<=\/\/)\S+(?=@)/g, // user-info in a URL, as of a Redis or a proxy
  // JWTs, tokens, base64: no sentence has words like these. Box's own error codes have neither digits nor capitals.
  /(?<![\w+/=-])(?=[\w+/=-]*[A-Z0-9])[\w+/=-]{20,}(?:\.[\w+/=-]+)*/g,
];

/**
 * Text that may be shown: without the secrets that are known, and without whatever looks like one.
 * At most `maxLength` characters of it, control characters replaced, so that nobody can forge a log line.
 */
export function redact(text: string, secrets: readonly string[] = [], maxLength = 300): string {
  let shown = text;
  for (const secret of secrets) {
    if (secret.length > 0) {
      shown = shown.replaceAll(secret, REDACTED);
    }
  }
  shown = shown.slice(0, LONGEST_READ);
  for (const shape of SHAPES_OF_SECRETS) {
    shown = shown.replace(shape, REDACTED);
  }
  // eslint-disable-next-line no-control-regex -- that is what is searched for
  shown = shown.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]+/g, ' ').trim();
  return shown.length > maxLength ? `${shown.slice(0, maxLength)}…` : shown;
}

/** A copy of what was thrown with nothing but its name, code and redacted message; two causes deep. */
export function sanitizedCause(thrown: unknown, secrets: readonly string[] = [], depth = 2): Error {
  const source = isErrorLike(thrown) ? thrown : new Error(describeThrown(thrown));
  const message = redact(source.message, secrets);
  const copy =
    source.cause !== undefined && depth > 0
      ? new Error(message, { cause: sanitizedCause(source.cause, secrets, depth - 1) })
      : new Error(message);
  copy.name = redact(source.name, secrets, 60);
  copy.stack = `${copy.name}: ${copy.message}`;
  if ('code' in source && typeof source.code === 'string') {
    Object.defineProperty(copy, 'code', {
      value: redact(source.code, secrets, 60),
      enumerable: true,
    });
  }
  return copy;
}

/** Also one of another realm: Jest runs tests in a context with an `Error` of its own. */
function isErrorLike(thrown: unknown): thrown is Error {
  return types.isNativeError(thrown) || thrown instanceof Error;
}

function describeThrown(thrown: unknown): string {
  return typeof thrown === 'string' ? thrown : `a value of type ${typeof thrown} was thrown`;
}
