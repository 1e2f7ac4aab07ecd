import { types } from 'node:util';

const REDACTED = '[redacted]';
const MAX_INPUT_LENGTH = 4000;
const MIN_SUBSTRING_LENGTH = 8;

const SECRET_PATTERNS: readonly RegExp[] = [
  /-----BEGIN [^-]*-----[\s\S]*?(?:-----END [^-]*-----|$)/g, // PEM, also if truncated
  /\b(?:bearer|basic)\s+\S+/gi, // RFC 6750, RFC 7617
  /\b(?:client_secret|assertion|passphrase|\w*token|secret|password)["']?\s*[=:]\s*["']?[^\s"'&,}]+/gi,
  /(?<=\/\/)\S+(?=@)/g, // userinfo of a URL, such as that of Redis or a proxy
  // JWTs, tokens and base64. Box's own error codes have neither digits nor capitals, so they remain.
  /(?<![\w+/=-])(?=[\w+/=-]*[A-Z0-9])[\w+/=-]{20,}(?:\.[\w+/=-]+)*/g,
];

/**
 * Returns `text` without the known secrets and without anything that looks like a secret, at most `maxLength` characters.
 * Replaces characters that control lines, terminals and text direction, so that no text can forge a log line.
 */
export function redact(text: string, secrets: readonly string[] = [], maxLength = 300): string {
  let shown = withoutSecrets(text, secrets).slice(0, MAX_INPUT_LENGTH);
  for (const pattern of SECRET_PATTERNS) {
    shown = shown.replace(pattern, REDACTED);
  }
  shown = shown.replace(/[\p{Cc}\p{Bidi_Control}\u2028\u2029]+/gu, ' ').trim();
  return shown.length > maxLength ? `${shown.slice(0, maxLength)}…` : shown;
}

/**
 * Returns `text` without the known secrets. A short secret is removed only where it is a whole word: removing it from inside
 * other words would reveal it.
 */
export function withoutSecrets(text: string, secrets: readonly string[]): string {
  return secrets
    .filter((secret) => secret !== '')
    .reduce(
      (shown, secret) =>
        secret.length < MIN_SUBSTRING_LENGTH
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

/** A copy of a thrown value with only its name, code and redacted message, and up to two nested causes. */
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

/** Keeps the codes of Node and OpenSSL, which would match a secret pattern as a whole. */
function codeOf(source: object, secrets: readonly string[]): string {
  const code = textOf(source, 'code');
  const isNodeCode = code.length <= 60 && /^ERR(?:_[A-Z0-9]{1,19})+$/.test(code);
  return isNodeCode ? withoutSecrets(code, secrets) : redact(code, secrets, 60);
}

/** Anything can be thrown: a property may not be a string, or may throw when it is read. */
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

/** Includes errors of another realm: Jest runs tests in a context with its own `Error`. */
function isErrorLike(thrown: unknown): thrown is Error {
  if (types.isProxy(thrown)) return false; // any access to it may throw
  return types.isNativeError(thrown) || thrown instanceof Error;
}

function describeThrown(thrown: unknown): string {
  return typeof thrown === 'string' ? thrown : `a value of type ${typeof thrown} was thrown`;
}
