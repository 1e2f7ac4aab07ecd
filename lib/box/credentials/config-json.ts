import { readFileSync } from 'node:fs';
import { isAbsolute, resolve } from 'node:path';
import * as v from 'valibot';
import { BoxAuthError } from '../../core/errors/box-auth.error.js';
import { decodeConfig } from './config-decoding.js';
import { boxCredentialsHelp } from './box-credentials.js';
import { looksLikePath, FieldNames } from '../../core/credentials/credentials-errors.js';
import {
  asciiText,
  checkFields,
  isRecord,
  passphrase,
  text,
  missingFieldMessage,
} from '../../core/credentials/field-checks.js';
import { boxId } from './box-id.js';

const fields = <const E extends v.ObjectEntries>(entries: E, whole: string) =>
  v.object(entries, missingFieldMessage(entries, whole));

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
      enterpriseID: v.optional(boxId(ENTERPRISE_ID)),
      userID: v.optional(boxId('a user id, digits that do not begin with 0')),
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

/** The origin of the path of a `config.json`, for errors. */
export interface PathOrigin {
  /** The option or variable with the path. */
  readonly setting?: string | undefined;
  /** The base of a relative path. Default the working directory of the process. */
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
 * Decodes and checks a `config.json`, in any form that `decodeConfig` accepts. `source` names it in errors.
 *
 * @throws BoxAuthError `config_invalid`
 */
export function parseConfig(config: unknown, source: string): CheckedConfig {
  return checkFields(
    configJson,
    decodeConfig(config, source),
    new FieldNames(source),
    boxCredentialsHelp,
  );
}

/**
 * The error of a file that cannot be read. `path` must not be resolved: a secret instead of a path would then look like a path,
 * and be shown.
 */
export function configUnreadable(
  path: string,
  reason: string,
  { setting, cwd }: PathOrigin = {},
): BoxAuthError {
  const shownPath = looksLikePath(path)
    ? JSON.stringify(path)
    : `(a string of ${path.length} characters that does not look like a path)`;
  const from = setting === undefined ? '' : ` of ${setting}`;
  const base =
    looksLikePath(path) && !isAbsolute(path)
      ? `, which is relative to ${cwd === undefined ? workingDirectory() : JSON.stringify(cwd)},`
      : '';
  return new BoxAuthError({
    code: 'config_unreadable',
    message: `The Box configuration file ${shownPath}${from} cannot be read (${reason}).`,
    hint: `Check the path${base} and the permissions of the file. To pass the JSON itself, use \`config\` or BOX_CONFIG.`,
    docs: boxCredentialsHelp.docs,
  });
}

/** The working directory. It may have been removed since the start of the process. */
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
