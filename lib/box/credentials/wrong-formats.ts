import { isRecord, normalizedName } from '../../core/credentials/field-checks.js';

/** A format that people often pass instead of `config.json`. */
export interface WrongFormat {
  /** The description, to follow the word "is". */
  readonly description: string;
  /** How to get correct credentials from it. */
  readonly hint: string;
}

interface KnownFormat extends WrongFormat {
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

const KNOWN_FORMATS: readonly KnownFormat[] = [
  {
    matches: ({ environments }) => isRecord(environments),
    description: "boxcli's list of environments (box_environments.json)",
    hint: 'Use the config.json that boxConfigFilePath in it names. Only that file has the client secret and the key.',
  },
  {
    matches: ({ appAuth }) => isRecord(appAuth),
    description: 'the flat options of box-node-sdk 3, with appAuth at the top',
    hint: `Move clientID, clientSecret and appAuth into boxAppSettings, rename keyID to publicKeyID, and write enterpriseID next to boxAppSettings; ${DOWNLOAD}`,
  },
  {
    matches: (value) => Object.keys(value).some((name) => SNAKE_CASE.has(name)),
    description: 'written in snake_case',
    hint: `Rename the fields to boxAppSettings, clientID, clientSecret, appAuth, publicKeyID, privateKey, passphrase and enterpriseID, ${DOWNLOAD}`,
  },
];

const LIST: WrongFormat = {
  description: 'a list',
  hint: 'Use the object in the list. For several key pairs of one app, pass a list of credentials: [{ config: … }, { config: … }].',
};

const FLAT: WrongFormat = {
  description: 'a flat object, without boxAppSettings',
  hint: `Pass the fields as the credentials themselves, not as config: clientId, clientSecret, publicKeyId, privateKey, passphrase and enterpriseId; ${DOWNLOAD}`,
};

/** The known format of `value`, if that is neither credentials nor `config.json`. */
export function wrongCredentialsFormat(
  value: Readonly<Record<string, unknown>>,
): WrongFormat | undefined {
  return KNOWN_FORMATS.find(({ matches }) => matches(value));
}

/** The known format of `value`, if that is not `config.json`. */
export function wrongConfigFormat(value: unknown): WrongFormat | undefined {
  if (Array.isArray(value)) return LIST;
  if (!isRecord(value) || 'boxAppSettings' in value) return undefined;
  const isFlat = Object.keys(value).some((name) => normalizedName(name) === 'clientid');
  return wrongCredentialsFormat(value) ?? (isFlat ? FLAT : undefined);
}

/** The known format of `text`, if that is not JSON. */
export function wrongTextFormat(text: string): WrongFormat | undefined {
  if (/^[^{"]*-----BEGIN /.test(text)) {
    return {
      description: 'a key in PEM',
      hint: 'Use the whole config.json, which contains the key. Set a key alone as privateKey of the credentials, or as BOX_PRIVATE_KEY.',
    };
  }
  if (/^\uFFFD{0,2}\0?[{["]\0/.test(text)) {
    return {
      description: 'UTF-16 that was read as UTF-8',
      hint: 'Save the file as UTF-8, or set its path as configFile or BOX_CONFIG_FILE, which accept UTF-16.',
    };
  }
  if (/^\{\s*boxAppSettings/.test(text) && !text.includes('"')) {
    return {
      description: 'JSON without its double quotes, which a shell has removed',
      hint: 'Put single quotes around the JSON, or use its base64: base64 -w0 config.json.',
    };
  }
  return undefined;
}
