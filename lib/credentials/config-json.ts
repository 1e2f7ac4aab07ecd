import { readFileSync } from 'node:fs';
import { isAbsolute } from 'node:path';
import * as v from 'valibot';
import { BoxAuthError } from '../errors/box-auth.error.js';
import { boxCredentialsAdvice } from './credentials-advice.js';
import { Place } from './place.js';
import {
  asciiText,
  checked,
  configInvalid,
  id,
  isRecord,
  passphrase,
  text,
  wordsOf,
} from './field-checks.js';

const fields = <const E extends v.ObjectEntries>(entries: E, whole: string) =>
  v.object(entries, wordsOf(entries, whole));

const appAuth = fields(
  {
    publicKeyID: asciiText('the id of the public key, such as "abcd1234"'),
    privateKey: text('the private key in PEM'),
    passphrase,
  },
  'an object with publicKeyID, privateKey and passphrase',
);

// An app with client credentials has an appAuth of empty strings in its config.json.
const emptyAppAuth = v.pipe(
  v.object({ privateKey: v.literal('') }),
  v.transform(() => undefined),
);

const boxAppSettings = fields(
  {
    clientID: asciiText("the app's client id"),
    clientSecret: asciiText("the app's client secret"),
    appAuth: v.optional(v.lazy((input) => (v.is(emptyAppAuth, input) ? emptyAppAuth : appAuth))),
  },
  'an object with clientID, clientSecret and appAuth',
);

const ENTERPRISE_ID = 'the enterprise id, digits that do not begin with 0';

const configJson = v.pipe(
  fields(
    {
      boxAppSettings,
      enterpriseID: v.optional(id(ENTERPRISE_ID)),
      userID: v.optional(id('a user id, digits that do not begin with 0')),
    },
    'an object with boxAppSettings and enterpriseID',
  ),
  v.forward(
    v.check(
      ({ enterpriseID, userID }) => enterpriseID !== undefined || userID !== undefined,
      ENTERPRISE_ID,
    ),
    ['enterpriseID'],
  ),
);

/** `config.json`, checked. */
export type CheckedConfig = v.InferOutput<typeof configJson>;

/**
 * Reads a `config.json` from disk. `setting` is what named it.
 *
 * @throws BoxAuthError `config_unreadable`, `config_invalid`
 */
export function readConfigFile(path: string, setting?: string): CheckedConfig {
  let content: string;
  try {
    content = readFileSync(path, 'utf8');
  } catch (error) {
    throw configUnreadable(path, codeOf(error), setting);
  }
  return parseConfig(content, path);
}

/**
 * Checks a `config.json` that is an object, its JSON text, or base64 of that text. `where` names it in errors.
 *
 * @throws BoxAuthError `config_invalid`
 */
export function parseConfig(config: unknown, where: string): CheckedConfig {
  const parsed = typeof config === 'string' ? parseJson(config, where) : config;
  return checked(configJson, parsed, new Place(where), boxCredentialsAdvice);
}

function parseJson(content: string, where: string): unknown {
  const trimmed = content.trim(); // of a byte order mark, too
  if (/^[^{}\s]{1,255}\.json$/.test(trimmed)) {
    throw configInvalid(`${where} is a path; it should be the JSON itself.`, {
      ...boxCredentialsAdvice,
      hint: 'Give the path as configFile, or as BOX_CONFIG_FILE.',
    });
  }
  const json = /^[\w+/=\s-]+$/.test(trimmed)
    ? Buffer.from(trimmed, 'base64').toString('utf8')
    : trimmed;
  try {
    return JSON.parse(json);
  } catch (error) {
    // The parser's own message quotes the text, which holds the secret and the key. Only the place of the mistake is kept.
    const place = error instanceof Error ? /position \d+/.exec(error.message)?.[0] : undefined;
    const found =
      trimmed === ''
        ? 'it is empty'
        : `it is not JSON, nor base64 of JSON${place === undefined ? '' : `, at ${place}`}`;
    throw configInvalid(`${where} cannot be read: ${found}.`, {
      ...boxCredentialsAdvice,
      hint: 'It was cut or is something else: take the whole of config.json, as it was downloaded from the Configuration tab of the Box developer console.',
    });
  }
}

/** The file at `path`, which `setting` names, could not be read, for `reason`. */
export function configUnreadable(path: string, reason: string, setting?: string): BoxAuthError {
  const named = isPath(path)
    ? JSON.stringify(path)
    : `(a text of ${path.length} characters, which does not look like a path)`;
  const by = setting === undefined ? '' : ` that ${setting} names`;
  const place =
    isPath(path) && !isAbsolute(path) ? `, which is relative to ${workingDirectory()},` : '';
  return new BoxAuthError({
    code: 'config_unreadable',
    message: `The Box configuration file ${named}${by} cannot be read (${reason}).`,
    hint: `Check the path${place} and the permissions of the file. The JSON itself belongs into \`config\`, or BOX_CONFIG.`,
    docs: boxCredentialsAdvice.docs,
  });
}

/** By mistake the secret content may stand in the place of a path: JSON, base64 of it, or a token. */
function isPath(path: string): boolean {
  return (
    path.length <= 255 &&
    /^[^\n{}"]+$/.test(path) &&
    (/^(?:~|\.{1,2}|[a-z]:)?[\\/]/i.test(path) || /\.[a-z]\w{0,7}$/i.test(path))
  );
}

/** It may have been removed under the process. */
function workingDirectory(): string {
  try {
    return JSON.stringify(process.cwd());
  } catch {
    return 'a working directory that is no longer there';
  }
}

function codeOf(error: unknown): string {
  const code = isRecord(error) ? error['code'] : undefined;
  return typeof code === 'string' ? code : 'unknown error';
}
