import { isRecord, PLACEHOLDER_PREFIX } from '../core/credentials/field-checks.js';

/** The fields that `keygen` cannot fill in. */
const FIELDS = [
  'boxAppSettings.clientID',
  'boxAppSettings.clientSecret',
  'boxAppSettings.appAuth.publicKeyID',
  'enterpriseID',
] as const;

type PlaceholderField = (typeof FIELDS)[number];

/** Where the developer console shows the value. */
const CONSOLE_LOCATIONS: Readonly<Record<PlaceholderField, string>> = {
  'boxAppSettings.clientID': 'Configuration tab, OAuth 2.0 Credentials: Client ID',
  'boxAppSettings.clientSecret': 'Configuration tab, OAuth 2.0 Credentials: Client Secret',
  'boxAppSettings.appAuth.publicKeyID':
    'Configuration tab, Add and Manage Public Keys: the ID of the key, after you have added public.pem',
  enterpriseID: 'General Settings tab, App Info: Enterprise ID',
};

/** Creates a `config.json` in the format of Box's developer console, with a key and with placeholders for other fields. */
export function configSkeleton(privateKey: string, passphrase: string | undefined): string {
  const config = {
    boxAppSettings: {
      clientID: placeholder('boxAppSettings.clientID'),
      clientSecret: placeholder('boxAppSettings.clientSecret'),
      appAuth: {
        publicKeyID: placeholder('boxAppSettings.appAuth.publicKeyID'),
        privateKey,
        ...(passphrase === undefined ? {} : { passphrase }),
      },
    },
    enterpriseID: placeholder('enterpriseID'),
  };
  return `${JSON.stringify(config, undefined, 2)}\n`;
}

/** A field that still has a placeholder, and where the developer console shows its value. */
export interface UnfilledField {
  readonly field: PlaceholderField;
  readonly location: string;
}

/** Returns the fields of a `config.json` that still have the placeholder of `configSkeleton`. */
export function unfilledFields(config: unknown): readonly UnfilledField[] {
  return FIELDS.filter((field) => {
    const value = valueAt(config, field);
    return typeof value === 'string' && value.startsWith(PLACEHOLDER_PREFIX);
  }).map((field) => ({ field, location: CONSOLE_LOCATIONS[field] }));
}

function valueAt(config: unknown, field: string): unknown {
  return field
    .split('.')
    .reduce((value: unknown, name) => (isRecord(value) ? value[name] : undefined), config);
}

function placeholder(field: PlaceholderField): string {
  return `${PLACEHOLDER_PREFIX}${CONSOLE_LOCATIONS[field]}`;
}
