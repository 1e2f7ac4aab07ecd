import { createHash } from 'node:crypto';
import * as v from 'valibot';
import { Secret } from '../errors/secret.js';
import type { BoxOpenedCredentials } from './box-credentials.js';
import { type CheckedConfig, parseConfig, readConfigFile } from './config-json.js';
import { checked, configInvalid, id, isRecord, passphrase, text, wordsOf } from './field-checks.js';
import { openPrivateKey, type PrivateKey } from './private-key.js';
import type { Subject } from './subject.js';

const clientFields = {
  clientId: text("the app's client id"),
  clientSecret: text("the app's client secret"),
  enterpriseId: v.optional(id('the enterprise id, a string of digits')),
  userId: v.optional(id('a user id, a string of digits')),
};

const fields = <const E extends v.ObjectEntries>(entries: E, whole: string) =>
  v.strictObject(entries, wordsOf(entries, whole));

/** The forms of credentials, each known by a field that no other has; the last by nothing but its client. */
const forms = {
  configFile: fields(
    { configFile: text('the path of config.json'), passphrase },
    'configFile goes with passphrase only',
  ),
  config: fields(
    {
      config: v.union([v.string(), v.looseObject({})], 'config.json as an object or as text'),
      passphrase,
    },
    'config goes with passphrase only',
  ),
  developerToken: fields(
    { developerToken: text('a developer token') },
    'developerToken stands alone',
  ),
  privateKey: fields(
    {
      ...clientFields,
      publicKeyId: text('the id of the public key, such as "abcd1234"'),
      privateKey: text('the private key in PEM'),
      passphrase,
      algorithm: v.optional(
        v.picklist(['RS256', 'RS384', 'RS512'], 'RS256, RS384 or RS512'),
        'RS256',
      ),
    },
    'a key pair is clientId, clientSecret, publicKeyId, privateKey, passphrase, enterpriseId or userId, and algorithm',
  ),
  clientSecret: fields(
    clientFields,
    'client credentials are clientId, clientSecret, and enterpriseId or userId',
  ),
};

/**
 * Reads credentials in any of their forms, checks every field and opens the private key with `openKey`.
 *
 * @throws BoxAuthError `config_unreadable`, `config_invalid` and those of `openPrivateKey`
 */
export function openCredentials(
  credentials: unknown,
  openKey = openPrivateKey,
): BoxOpenedCredentials {
  if (!isRecord(credentials)) {
    throw configInvalid(
      'credentials is not an object with one of configFile, config, developerToken, privateKey or clientSecret.',
    );
  }
  if ('configFile' in credentials) {
    const form = checked(forms.configFile, credentials, 'credentials');
    return fromConfig(readConfigFile(form.configFile), form.passphrase, form.configFile, openKey);
  }
  if ('config' in credentials) {
    const form = checked(forms.config, credentials, 'credentials');
    const where = 'credentials.config';
    return fromConfig(parseConfig(form.config, where), form.passphrase, where, openKey);
  }
  if ('developerToken' in credentials) {
    const form = checked(forms.developerToken, credentials, 'credentials');
    return {
      kind: 'developer-token',
      givenToken: new Secret(form.developerToken),
      // Whose it is only Box knows; "me" is Box's own word for that user.
      subject: { type: 'user', id: 'me' },
      fingerprint: fingerprint(form.developerToken),
    };
  }
  if ('privateKey' in credentials || 'publicKeyId' in credentials) {
    const form = checked(forms.privateKey, credentials, 'credentials');
    const key = openKey(form.privateKey, form.passphrase, 'credentials.privateKey');
    return keyPair(clientOf(form), {
      ...key,
      publicKeyId: form.publicKeyId,
      algorithm: form.algorithm,
    });
  }
  return clientSecret(clientOf(checked(forms.clientSecret, credentials, 'credentials')));
}

interface Client {
  readonly clientId: string;
  readonly clientSecret: string;
  readonly subject: Subject;
}

function fromConfig(
  { boxAppSettings, enterpriseID, userID }: CheckedConfig,
  passphraseApart: string | undefined,
  where: string,
  openKey: typeof openPrivateKey,
): BoxOpenedCredentials {
  const client = clientOf({
    clientId: boxAppSettings.clientID,
    clientSecret: boxAppSettings.clientSecret,
    enterpriseId: enterpriseID,
    // As in Box's own SDKs, the service account goes before the user where a file has both.
    userId: enterpriseID === undefined ? userID : undefined,
  });
  const { appAuth } = boxAppSettings;
  if (appAuth === undefined) {
    return clientSecret(client);
  }
  const field = `${where}: boxAppSettings.appAuth.privateKey`;
  const key = openKey(appAuth.privateKey, passphraseApart ?? appAuth.passphrase, field);
  return keyPair(client, { ...key, publicKeyId: appAuth.publicKeyID, algorithm: 'RS256' });
}

function keyPair(
  { clientId, clientSecret: secret, subject }: Client,
  privateKey: PrivateKey,
): BoxOpenedCredentials {
  return {
    kind: 'key-pair',
    clientId,
    clientSecret: new Secret(secret),
    subject,
    privateKey,
    fingerprint: fingerprint(clientId, secret, privateKey.publicKeyId, privateKey.thumbprint),
  };
}

function clientSecret({ clientId, clientSecret: secret, subject }: Client): BoxOpenedCredentials {
  return {
    kind: 'client-secret',
    clientId,
    clientSecret: new Secret(secret),
    subject,
    fingerprint: fingerprint(clientId, secret),
  };
}

function clientOf(form: {
  readonly clientId: string;
  readonly clientSecret: string;
  readonly enterpriseId?: string | undefined;
  readonly userId?: string | undefined;
}): Client {
  return {
    clientId: form.clientId,
    clientSecret: form.clientSecret,
    subject: theSubject(form.enterpriseId, form.userId),
  };
}

function theSubject(enterpriseId: string | undefined, userId: string | undefined): Subject {
  if (enterpriseId !== undefined && userId === undefined)
    return { type: 'enterprise', id: enterpriseId };
  if (userId !== undefined && enterpriseId === undefined) return { type: 'user', id: userId };
  throw configInvalid(
    `credentials: expected either enterpriseId (the service account) or userId, found ${enterpriseId === undefined ? 'neither' : 'both'}.`,
  );
}

function fingerprint(...parts: readonly string[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('base64url');
}
