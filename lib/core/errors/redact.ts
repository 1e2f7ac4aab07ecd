import { types } from 'node:util';

const REDACTED = '[redacted]';
const MAX_READ = 4000;
const MIN_ANYWHERE = 8;

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
 * At most `maxLength` characters of it, what controls lines, terminals and directions replaced, so that nobody can forge a log line.
 */
export function redact(text: string, secrets: readonly string[] = [], maxLength = 300): string {
  let shown = withoutSecrets(text, secrets).slice(0, MAX_READ);
  for (const shape of SHAPES_OF_SECRETS) {
    shown = shown.replace(shape, REDACTED);
  }
  shown = shown.replace(/[\p{Cc}\p{Bidi_Control}\u2028\u2029]+/gu, ' ').trim();
  return shown.length > maxLength ? `${shown.slice(0, maxLength)}…` : shown;
}

/**
 * Text without the secrets that are known. A short one is only taken out where it stands by itself: to strike its letters
 * out of other words would tell which they are.
 */
export function withoutSecrets(text: string, secrets: readonly string[]): string {
  return secrets
    .filter((secret) => secret !== '')
    .reduce(
      (shown, secret) =>
        secret.length < MIN_ANYWHERE
          ? withoutWord(shown, secret)
          : shown.replaceAll(secret, REDACTED),
      text,
    );
}

function withoutWord(text: string, word: string): string {
  const [first = '', ...others] = text.split(word);
  const pieces = [first];
  let last = first;
  for (const next of others) {
    const isInWord = /\w/.test(last.slice(-1)) || /\w/.test(next.slice(0, 1));
    const between = isInWord ? word : REDACTED;
    pieces.push(between, next);
    last = next === '' ? between : next;
  }
  return pieces.join('');
}

/** A copy of what was thrown with nothing but its name, code and redacted message; two causes deep. */
export function sanitizedCause(thrown: unknown, secrets: readonly string[] = [], depth = 2): Error {
  const source = isErrorLike(thrown) ? thrown : new Error(describeThrown(thrown));
  const message = redact(textOf(source, 'message'), secrets);
  const cause = depth > 0 ? partOf(source, 'cause') : undefined;
  const copy =
    cause === undefined
      ? new Error(message)
      : new Error(message, { cause: sanitizedCause(cause, secrets, depth - 1) });
  copy.name = redact(textOf(source, 'name'), secrets, 60);
  copy.stack = `${copy.name}: ${copy.message}`;
  const code = codeOf(source, secrets);
  if (code !== '') Object.defineProperty(copy, 'code', { value: code, enumerable: true });
  return copy;
}

/** Node's and OpenSSL's own look like secrets as a whole, but none of their words does. */
function codeOf(source: object, secrets: readonly string[]): string {
  const code = textOf(source, 'code');
  const isOfNode = code.length <= 60 && /^ERR(?:_[A-Z0-9]{1,19})+$/.test(code);
  return isOfNode ? withoutSecrets(code, secrets) : redact(code, secrets, 60);
}

/** Anything can be thrown: what is there may be no text, or throw when it is read. */
function partOf(source: object, name: string): unknown {
  try {
    return Reflect.get(source, name);
  } catch {
    return undefined;
  }
}

function textOf(source: object, name: string): string {
  const part = partOf(source, name);
  return typeof part === 'string' ? part : '';
}

/** Also one of another realm: Jest runs tests in a context with an `Error` of its own. */
function isErrorLike(thrown: unknown): thrown is Error {
  if (types.isProxy(thrown)) return false; // it may throw whatever it is asked
  return types.isNativeError(thrown) || thrown instanceof Error;
}

function describeThrown(thrown: unknown): string {
  return typeof thrown === 'string' ? thrown : `a value of type ${typeof thrown} was thrown`;
}
