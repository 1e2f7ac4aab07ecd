import { decodedText, textOfBase64 } from '../../core/credentials/encoded-text.js';
import { isRecord } from '../../core/credentials/field-checks.js';

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
