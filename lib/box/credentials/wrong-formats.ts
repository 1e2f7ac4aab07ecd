import { isRecord, normalizedName } from '../../core/credentials/field-checks.js';

/** Something that is often given in place of `config.json`. */
export interface Lookalike {
  /** What it is, after "is" or "has". */
  readonly what: string;
  /** How to get from there to right credentials. */
  readonly hint: string;
}

interface Shape extends Lookalike {
  readonly matches: (value: Readonly<Record<string, unknown>>) => boolean;
}

const DOWNLOAD = 'or download config.json from the Configuration tab of the Box developer console.';

const SNAKE_CASE: ReadonlySet<string> = new Set([
  'box_app_settings',
  'client_id',
  'client_secret',
  'app_auth',
  'enterprise_id',
]);

const SHAPES: readonly Shape[] = [
  {
    matches: ({ environments }) => isRecord(environments),
    what: "boxcli's list of environments (box_environments.json)",
    hint: 'Give the config.json that boxConfigFilePath in it names: only that one has the client secret and the key.',
  },
  {
    matches: ({ appAuth }) => isRecord(appAuth),
    what: 'the flat options of box-node-sdk 3, with appAuth at the top',
    hint: `Put clientID, clientSecret and appAuth into boxAppSettings, rename keyID to publicKeyID, and write enterpriseID beside boxAppSettings; ${DOWNLOAD}`,
  },
  {
    matches: (value) => Object.keys(value).some((name) => SNAKE_CASE.has(name)),
    what: 'written in snake_case',
    hint: `Box's own names are boxAppSettings, clientID, clientSecret, appAuth, publicKeyID, privateKey, passphrase and enterpriseID: rename the fields, ${DOWNLOAD}`,
  },
];

const LIST: Lookalike = {
  what: 'a list',
  hint: 'Give the object in it. Several key pairs of one app are a list of credentials: [{ config: … }, { config: … }].',
};

const FLAT: Lookalike = {
  what: 'a flat object, without boxAppSettings',
  hint: `Give the fields as the credentials themselves, not as config: clientId, clientSecret, publicKeyId, privateKey, passphrase and enterpriseId; ${DOWNLOAD}`,
};

/** What `value` is known to be, if it is neither credentials nor `config.json`. */
export function lookalikeOfCredentials(
  value: Readonly<Record<string, unknown>>,
): Lookalike | undefined {
  return SHAPES.find(({ matches }) => matches(value));
}

/** What `value` is known to be, if it is not `config.json`. */
export function lookalikeOfConfig(value: unknown): Lookalike | undefined {
  if (Array.isArray(value)) return LIST;
  if (!isRecord(value) || 'boxAppSettings' in value) return undefined;
  const isFlat = Object.keys(value).some((name) => normalizedName(name) === 'clientid');
  return lookalikeOfCredentials(value) ?? (isFlat ? FLAT : undefined);
}

/** What `text` is known to be, if it is not JSON. */
export function lookalikeOfJson(text: string): Lookalike | undefined {
  if (/^[^{"]*-----BEGIN /.test(text)) {
    return {
      what: 'a key in PEM',
      hint: 'config.json has the key in it, beside everything else. A key by itself is privateKey of the credentials, or BOX_PRIVATE_KEY.',
    };
  }
  if (/^\uFFFD{0,2}\0?[{["]\0/.test(text)) {
    return {
      what: 'UTF-16 that was read as UTF-8',
      hint: 'Save the file as UTF-8, or give its path as configFile, or as BOX_CONFIG_FILE: then UTF-16 is understood.',
    };
  }
  if (/^\{\s*boxAppSettings/.test(text) && !text.includes('"')) {
    return {
      what: 'JSON without its double quotes, which a shell has removed',
      hint: 'Put single quotes around the JSON, or give base64 of it: base64 -w0 config.json.',
    };
  }
  return undefined;
}
