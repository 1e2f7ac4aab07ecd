import type { BoxAuthError } from '../../core/errors/box-auth.error.js';
import { configInvalid } from '../../core/credentials/credentials-errors.js';
import { decodedText, textOfBase64 } from '../../core/credentials/encoded-text.js';
import { isRecord } from '../../core/credentials/field-checks.js';
import { boxCredentialsHelp } from './box-credentials.js';
import { wrongConfigFormat, wrongTextFormat } from './wrong-formats.js';

/**
 * Decodes a `config.json` from an object, JSON, base64 or bytes, nested in any order or in the response of a secret manager. The
 * fields are not checked. `source` names it in errors.
 *
 * @throws BoxAuthError `config_invalid` if it is not JSON, or is known to be another format
 */
export function decodeConfig(config: unknown, source: string): unknown {
  const value = withIdsAtTop(
    unwrapLayers(config, (content, parserError) => notJsonError(source, content, parserError)),
  );
  const format = wrongConfigFormat(value);
  if (format === undefined) return value;
  throw notConfigError(`${source} is ${format.description}, not config.json.`, format.hint);
}

/** Moves ids from inside `boxAppSettings` to the top, where Box writes them, unless there are ids already. */
function withIdsAtTop(config: unknown): unknown {
  if (!isRecord(config) || config['enterpriseID'] !== undefined || config['userID'] !== undefined) {
    return config;
  }
  const { boxAppSettings: settings } = config;
  return isRecord(settings)
    ? { ...config, enterpriseID: settings['enterpriseID'], userID: settings['userID'] }
    : config;
}

const WHOLE_FILE =
  'Use the whole of config.json, unchanged, as downloaded from the Configuration tab of the Box developer console.';

function notJsonError(source: string, content: string, parserError: unknown): BoxAuthError {
  if (/^[^{}\s]{1,255}\.json$/.test(content)) {
    return notConfigError(
      `${source} is a path: expected the JSON itself.`,
      'Set the path as configFile, or as BOX_CONFIG_FILE.',
    );
  }
  const format = wrongTextFormat(content);
  if (format !== undefined) {
    return notConfigError(`${source} is ${format.description}, not config.json.`, format.hint);
  }
  if (content === '') return notConfigError(`${source} cannot be read: it is empty.`, WHOLE_FILE);
  // The parser's message quotes the text, with its secret and key. Only the position is safe to show.
  const parserMessage = parserError instanceof Error ? parserError.message : '';
  const position = /position \d+/.exec(parserMessage)?.[0];
  if (content.startsWith('{') && endsEarly(parserMessage, content)) {
    return notConfigError(
      `${source} cannot be read: it is not JSON, as it ends too soon.`,
      `${WHOLE_FILE} In a .env file, put single quotes around it: an unquoted value ends at the first newline.`,
    );
  }
  const at = position === undefined ? '' : `, at ${position}`;
  return notConfigError(
    `${source} cannot be read: it is not JSON, nor base64 of JSON${at}.`,
    WHOLE_FILE,
  );
}

/** If a value or a name is missing at the end, Node 20 and later report the position of the end. */
function endsEarly(parserMessage: string, content: string): boolean {
  return (
    /end of JSON input|Unterminated string/.test(parserMessage) ||
    parserMessage.includes(`at position ${content.length}`)
  );
}

function notConfigError(message: string, hint: string): BoxAuthError {
  return configInvalid(message, { ...boxCredentialsHelp, hint });
}

/**
 * Removes every layer around `config.json`, in any order: bytes, base64, JSON, JSON in a JSON string, and the response of AWS
 * Secrets Manager. `notJson` makes the error for a text that is neither JSON nor base64 of JSON. The loop ends, as each layer is
 * larger than its content.
 */
function unwrapLayers(
  config: unknown,
  notJson: (text: string, parserError: unknown) => Error,
): unknown {
  let value = config;
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
 * Returns the secret in a response of `GetSecretValue`: https://docs.aws.amazon.com/secretsmanager/latest/apireference/. Reads
 * each field once, as a getter may return another value the next time.
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
  // A shell or a .env parser may have removed the outer quotes of a JSON string that contains JSON.
  const isUnquoted = text.charAt(text.indexOf('"') - 1) === '\\';
  const json = withoutRawControls(isUnquoted ? `"${text}"` : text);
  try {
    return JSON.parse(json);
  } catch (error) {
    throw notJson(json, error);
  }
}

/**
 * Repairs line breaks after `.env` files and `echo`: escapes raw ones inside strings, and replaces escaped ones between strings by
 * spaces. Both are invalid in JSON, so no valid text changes.
 */
function withoutRawControls(json: string): string {
  let isInString = false;
  return json.replace(/\\[^]|["\n\r\t]/g, (token) => {
    if (token === '"') isInString = !isInString;
    if (isInString) return /^\s$/.test(token) ? JSON.stringify(token).slice(1, -1) : token;
    return /^\\[nrt]$/.test(token) ? ' ' : token;
  });
}
