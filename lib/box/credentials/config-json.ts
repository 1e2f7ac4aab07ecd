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
import { id } from './box-id.js';

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
 * Checks a `config.json` in any form that `decodeConfig` takes. `where` names it in errors.
 *
 * @throws BoxAuthError `config_invalid`
 */
export function parseConfig(config: unknown, where: string): CheckedConfig {
  return checkFields(
    configJson,
    decodeConfig(config, where),
    new FieldNames(where),
    boxCredentialsHelp,
  );
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
    docs: boxCredentialsHelp.docs,
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
