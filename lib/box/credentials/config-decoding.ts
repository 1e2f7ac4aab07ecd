import type { BoxAuthError } from '../../core/errors/box-auth.error.js';
import { configInvalid } from '../../core/credentials/credentials-errors.js';
import { decodedText, textOfBase64 } from '../../core/credentials/encoded-text.js';
import { isRecord } from '../../core/credentials/field-checks.js';
import { boxCredentialsHelp } from './box-credentials.js';
import { lookalikeOfConfig, lookalikeOfJson } from './wrong-formats.js';

/**
 * A `config.json` without anything around it, its fields not checked yet: from an object, its JSON text, base64 of that, or
 * bytes, wrapped in one another or in the response of a secret manager.
 *
 * @throws BoxAuthError `config_invalid` for what is no JSON, or has another shape
 */
export function decodeConfig(config: unknown, where: string): unknown {
  const value = withIdsOutside(
    unwrapped(config, (content, parserError) => unreadable(where, content, parserError)),
  );
  const lookalike = lookalikeOfConfig(value);
  if (lookalike === undefined) return value;
  throw notConfig(`${where} is ${lookalike.what}, not config.json.`, lookalike.hint);
}

/** The ids inside `boxAppSettings`, if there are none outside it. */
function withIdsOutside(config: unknown): unknown {
  if (!isRecord(config) || config['enterpriseID'] !== undefined || config['userID'] !== undefined) {
    return config;
  }
  const { boxAppSettings: settings } = config;
  return isRecord(settings)
    ? { ...config, enterpriseID: settings['enterpriseID'], userID: settings['userID'] }
    : config;
}

const WHOLE_FILE =
  'Take the whole of config.json, unchanged, as it was downloaded from the Configuration tab of the Box developer console.';

function unreadable(where: string, content: string, parserError: unknown): BoxAuthError {
  if (/^[^{}\s]{1,255}\.json$/.test(content)) {
    return notConfig(
      `${where} is a path; it should be the JSON itself.`,
      'Give the path as configFile, or as BOX_CONFIG_FILE.',
    );
  }
  const lookalike = lookalikeOfJson(content);
  if (lookalike !== undefined) {
    return notConfig(`${where} is ${lookalike.what}, not config.json.`, lookalike.hint);
  }
  if (content === '') return notConfig(`${where} cannot be read: it is empty.`, WHOLE_FILE);
  // The parser's own message quotes the text, which holds the secret and the key. Only the position is kept.
  const parserMessage = parserError instanceof Error ? parserError.message : '';
  const position = /position \d+/.exec(parserMessage)?.[0];
  if (content.startsWith('{') && endsEarly(parserMessage, content)) {
    return notConfig(
      `${where} cannot be read: it is not JSON, as it ends too soon.`,
      `${WHOLE_FILE} In a .env file, put single quotes around it: an unquoted value ends at the first newline.`,
    );
  }
  const at = position === undefined ? '' : `, at ${position}`;
  return notConfig(`${where} cannot be read: it is not JSON, nor base64 of JSON${at}.`, WHOLE_FILE);
}

/** Node 20 and later give the position of the end where a value or a name is missing there. */
function endsEarly(parserMessage: string, content: string): boolean {
  return (
    /end of JSON input|Unterminated string/.test(parserMessage) ||
    parserMessage.includes(`at position ${content.length}`)
  );
}

function notConfig(message: string, hint: string): BoxAuthError {
  return configInvalid(message, { ...boxCredentialsHelp, hint });
}

/**
 * Takes off every layer around `config.json`, in any order: bytes, base64, JSON, JSON in a JSON string, and the response of
 * AWS Secrets Manager. `notJson` makes the error for a text that is neither JSON nor base64 of JSON, out of that text and of
 * what the parser threw. Ends, as each layer is larger than what is in it.
 */
export function unwrapped(
  given: unknown,
  notJson: (text: string, parserError: unknown) => Error,
): unknown {
  let value = given;
  for (;;) {
    const layer = secretIn(value) ?? value;
    if (typeof layer === 'string') value = contentOf(layer.trim(), notJson);
    else if (layer instanceof Uint8Array) value = decodedText(layer);
    else return layer;
  }
}

/** Whether `value` is the response of AWS Secrets Manager. */
export function isSecretEnvelope(value: unknown): boolean {
  return secretIn(value) !== undefined;
}

/**
 * The secret of `GetSecretValue`: https://docs.aws.amazon.com/secretsmanager/latest/apireference/. Reads each field once, as
 * a getter may return something else the next time.
 */
function secretIn(value: unknown): string | Uint8Array | undefined {
  if (!isRecord(value)) return undefined;
  const { SecretString: text, SecretBinary: bytes } = value;
  if (typeof text === 'string') return text;
  return typeof bytes === 'string' || bytes instanceof Uint8Array ? bytes : undefined;
}

function contentOf(text: string, notJson: (text: string, parserError: unknown) => Error): unknown {
  const decoded = textOfBase64(text);
  if (decoded !== undefined) return decoded;
  // A JSON string with JSON in it has lost its outer quotes where they were taken for those of a shell or a .env file.
  const isUnquoted = text.charAt(text.indexOf('"') - 1) === '\\';
  const json = withoutRawControls(isUnquoted ? `"${text}"` : text);
  try {
    return JSON.parse(json);
  } catch (error) {
    throw notJson(json, error);
  }
}

/**
 * Repairs what `.env` files and `echo` do to newlines: raw ones inside strings are escaped, escaped ones between strings
 * become spaces. Neither is JSON otherwise, so it cannot mean anything else.
 */
function withoutRawControls(json: string): string {
  let isInString = false;
  return json.replace(/\\[^]|["\n\r\t]/g, (token) => {
    if (token === '"') isInString = !isInString;
    if (isInString) return /^\s$/.test(token) ? JSON.stringify(token).slice(1, -1) : token;
    return /^\\[nrt]$/.test(token) ? ' ' : token;
  });
}
