import { isRecord, PLACEHOLDER_PREFIX } from '../core/credentials/field-checks.js';

/** What `keygen` cannot know. */
const FIELDS = [
  'boxAppSettings.clientID',
  'boxAppSettings.clientSecret',
  'boxAppSettings.appAuth.publicKeyID',
  'enterpriseID',
] as const;

type FieldToFillIn = (typeof FIELDS)[number];

/** Where the developer console shows it. */
const PLACES: Readonly<Record<FieldToFillIn, string>> = {
  'boxAppSettings.clientID': 'Configuration tab, OAuth 2.0 Credentials: Client ID',
  'boxAppSettings.clientSecret': 'Configuration tab, OAuth 2.0 Credentials: Client Secret',
  'boxAppSettings.appAuth.publicKeyID':
    'Configuration tab, Add and Manage Public Keys: the ID of the key, once public.pem is added',
  enterpriseID: 'General Settings tab, App Info: Enterprise ID',
};

/** `config.json` as Box's developer console makes it, with a key, and with everything else to be filled in. */
export function configSkeleton(privateKey: string, passphrase: string | undefined): string {
  const config = {
    boxAppSettings: {
      clientID: toBeFilledIn('boxAppSettings.clientID'),
      clientSecret: toBeFilledIn('boxAppSettings.clientSecret'),
      appAuth: {
        publicKeyID: toBeFilledIn('boxAppSettings.appAuth.publicKeyID'),
        privateKey,
        ...(passphrase === undefined ? {} : { passphrase }),
      },
    },
    enterpriseID: toBeFilledIn('enterpriseID'),
  };
  return `${JSON.stringify(config, undefined, 2)}\n`;
}

/** A field that is to be filled in, and where its value is found. */
export interface OpenField {
  readonly field: FieldToFillIn;
  readonly place: string;
}

/** The fields of a `config.json` that are still as `configSkeleton` made them. */
export function notFilledIn(config: unknown): readonly OpenField[] {
  return FIELDS.filter((field) => {
    const value = valueAt(config, field);
    return typeof value === 'string' && value.startsWith(PLACEHOLDER_PREFIX);
  }).map((field) => ({ field, place: PLACES[field] }));
}

function valueAt(config: unknown, field: string): unknown {
  return field
    .split('.')
    .reduce((value: unknown, name) => (isRecord(value) ? value[name] : undefined), config);
}

function toBeFilledIn(field: FieldToFillIn): string {
  return `${PLACEHOLDER_PREFIX}${PLACES[field]}`;
}
