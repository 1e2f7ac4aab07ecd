import { readFileSync } from 'node:fs';
import { isAbsolute, resolve } from 'node:path';
import * as v from 'valibot';
import { BoxAuthError } from '../../core/errors/box-auth.error.js';
import { lookalikeOfConfig, lookalikeOfJson } from './config-shapes.js';
import { unwrapped } from './config-unwrap.js';
import { boxCredentialsAdvice } from './box-credentials-advice.js';
import { looksLikePath } from '../../core/credentials/path-like.js';
import { FieldNames } from '../../core/credentials/field-names.js';
import {
  asciiText,
  checked,
  configInvalid,
  isRecord,
  passphrase,
  text,
  wordsOf,
} from '../../core/credentials/field-checks.js';
import { id } from './box-id.js';

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

/** Where the path of a `config.json` comes from. */
export interface PathOrigin {
  /** What named the file, for errors. */
  readonly setting?: string | undefined;
  /** What a relative path is relative to. Default the working directory of the process. */
  readonly cwd?: string;
}

/**
 * Reads a `config.json` from disk.
 *
 * @throws BoxAuthError `config_unreadable`, `config_invalid`
 */
export function readConfigFile(path: string, origin: PathOrigin = {}): CheckedConfig {
  const file = origin.cwd === undefined ? path : resolve(origin.cwd, path);
  let content: Uint8Array;
  try {
    content = readFileSync(file);
  } catch (error) {
    throw configUnreadable(path, codeOf(error), origin);
  }
  return parseConfig(content, file);
}

/**
 * Checks a `config.json` in any form that `unwrapConfig` takes. `where` names it in errors.
 *
 * @throws BoxAuthError `config_invalid`
 */
export function parseConfig(config: unknown, where: string): CheckedConfig {
  return checked(
    configJson,
    unwrapConfig(config, where),
    new FieldNames(where),
    boxCredentialsAdvice,
  );
}

/**
 * A `config.json` without anything around it, its fields not checked yet: from an object, its JSON text, base64 of that, or
 * bytes, wrapped in one another or in the response of a secret manager.
 *
 * @throws BoxAuthError `config_invalid` for what is no JSON, or has another shape
 */
export function unwrapConfig(config: unknown, where: string): unknown {
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
  return configInvalid(message, { ...boxCredentialsAdvice, hint });
}

/**
 * The file at `path` could not be read, for `reason`. `path` is as it was given: once it is resolved, a secret in its place
 * would look like a path.
 */
export function configUnreadable(
  path: string,
  reason: string,
  { setting, cwd }: PathOrigin = {},
): BoxAuthError {
  const named = looksLikePath(path)
    ? JSON.stringify(path)
    : `(a text of ${path.length} characters, which does not look like a path)`;
  const by = setting === undefined ? '' : ` that ${setting} names`;
  const place =
    looksLikePath(path) && !isAbsolute(path)
      ? `, which is relative to ${cwd === undefined ? workingDirectory() : JSON.stringify(cwd)},`
      : '';
  return new BoxAuthError({
    code: 'config_unreadable',
    message: `The Box configuration file ${named}${by} cannot be read (${reason}).`,
    hint: `Check the path${place} and the permissions of the file. The JSON itself belongs into \`config\`, or BOX_CONFIG.`,
    docs: boxCredentialsAdvice.docs,
  });
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
