import * as v from 'valibot';
import type { SigningFunction } from '../../core/credentials/assertion.js';
import {
  asciiText,
  bearerToken,
  passphrase,
  text,
  missingFieldMessage,
} from '../../core/credentials/field-checks.js';
import { boxId } from './box-id.js';

const clientFields = {
  clientId: asciiText("the app's client id"),
  clientSecret: asciiText("the app's client secret"),
  enterpriseId: v.optional(boxId('the enterprise id, digits that do not begin with 0')),
  userId: v.optional(boxId('a user id, digits that do not begin with 0')),
};

const publicKeyId = asciiText('the id of the public key, such as "abcd1234"');

const algorithm = v.optional(
  v.picklist(['RS256', 'RS384', 'RS512'], 'RS256, RS384 or RS512'),
  'RS256',
);

const MAX_SECONDS = 1e11; // in milliseconds a day in 1973, in seconds the year 5138
const MAX_DATE_MS = 8.64e15; // ECMA-262: the range of Date

const EXPIRES_AT = 'milliseconds since the epoch, a number';
const expiresAt = v.optional(
  v.pipe(
    v.number(EXPIRES_AT),
    v.minValue(MAX_SECONDS, `${EXPIRES_AT} (for seconds, multiply by 1000)`),
    v.maxValue(MAX_DATE_MS, EXPIRES_AT),
  ),
);

const fields = <const E extends v.ObjectEntries>(entries: E, whole: string) =>
  v.strictObject(entries, missingFieldMessage(entries, whole));

/** The forms of credentials. Each is recognized by a field that no other form has; the last one has only the client. */
export const forms = {
  configFile: fields(
    { configFile: text('the path of config.json'), passphrase },
    'configFile can be combined with passphrase only',
  ),
  config: fields(
    {
      config: v.union(
        [v.string(), v.instance(Uint8Array), v.array(v.unknown()), v.looseObject({})],
        'config.json as an object or as text',
      ),
      passphrase,
    },
    'config can be combined with passphrase only',
  ),
  developerToken: fields(
    { developerToken: bearerToken('a developer token') },
    'developerToken cannot be combined with other fields',
  ),
  appToken: fields(
    { appToken: bearerToken('an app token') },
    'appToken cannot be combined with other fields',
  ),
  accessToken: fields(
    { accessToken: bearerToken('an access token'), expiresAt },
    'accessToken can be combined with expiresAt only',
  ),
  privateKey: fields(
    {
      ...clientFields,
      publicKeyId,
      privateKey: text('the private key in PEM'),
      passphrase,
      algorithm,
    },
    'a key pair is clientId, clientSecret, publicKeyId, privateKey, passphrase, enterpriseId or userId, and algorithm',
  ),
  sign: fields(
    {
      ...clientFields,
      publicKeyId,
      sign: v.custom<SigningFunction>(
        (input) => typeof input === 'function',
        'a function that signs',
      ),
      algorithm,
    },
    'an external signer is clientId, clientSecret, publicKeyId, sign, enterpriseId or userId, and algorithm',
  ),
  clientSecret: fields(
    clientFields,
    'client credentials are clientId, clientSecret, and enterpriseId or userId',
  ),
};
