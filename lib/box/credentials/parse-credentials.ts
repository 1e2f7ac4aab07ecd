import { Secret, fingerprint } from '../../core/errors/secret.js';
import {
  type AssertionSigner,
  externalSigner,
  keySigner,
} from '../../core/credentials/assertion.js';
import { type ParsedBoxCredentials, boxCredentialsHelp as advice } from './box-credentials.js';
import { type CheckedConfig, parseConfig, readConfigFile } from './config-json.js';
import { lookalikeOfCredentials } from './wrong-formats.js';
import { isSecretEnvelope } from './config-decoding.js';
import type { StaticToken } from '../../core/credentials/credentials-source.js';
import { forms } from './credential-forms.js';
import { checkFields, isRecord, normalizedName } from '../../core/credentials/field-checks.js';
import {
  configInvalid,
  type FieldNames,
  optionFieldNames,
} from '../../core/credentials/credentials-errors.js';
import { accessToken, appToken, developerToken } from './static-tokens.js';
import { type KeyParser, cachedKeyParser } from '../../core/credentials/private-key.js';
import type { Subject } from '../../core/credentials/subject.js';

/**
 * Reads credentials in any of their forms, checks every field and opens the private key with `parseKey`.
 *
 * @throws BoxAuthError `config_unreadable`, `config_invalid` and those of `parsePrivateKey`
 */
export function parseCredentials(
  credentials: unknown,
  fieldNames = optionFieldNames('credentials'),
  parseKey = cachedKeyParser(advice),
): ParsedBoxCredentials {
  if (!isRecord(credentials)) {
    throw configInvalid(
      `${fieldNames.whole} is not an object with one of configFile, config, developerToken, appToken, accessToken, privateKey, sign or clientSecret.`,
      advice,
    );
  }
  if ('boxAppSettings' in credentials || isSecretEnvelope(credentials)) {
    throw configInvalid(
      `${fieldNames.whole} is config.json itself: give it as { config: … }.`,
      advice,
    );
  }
  const lookalike = lookalikeOfCredentials(credentials);
  if (lookalike !== undefined) {
    throw configInvalid(`${fieldNames.whole} is ${lookalike.what}.`, {
      ...advice,
      hint: lookalike.hint,
    });
  }
  const names = new Set(Object.keys(credentials).map(normalizedName));
  const has = (form: keyof typeof forms) => names.has(normalizedName(form));
  if (has('configFile')) {
    const form = checkFields(forms.configFile, credentials, fieldNames, advice);
    const config = readConfigFile(form.configFile, { setting: fieldNames.field('configFile') });
    return fromConfig(config, form.passphrase, form.configFile, fieldNames, parseKey);
  }
  if (has('config')) {
    const form = checkFields(forms.config, credentials, fieldNames, advice);
    const field = fieldNames.field('config');
    return fromConfig(
      parseConfig(form.config, field),
      form.passphrase,
      field,
      fieldNames,
      parseKey,
    );
  }
  if (has('developerToken')) {
    const form = checkFields(forms.developerToken, credentials, fieldNames, advice);
    return staticToken(developerToken(form.developerToken));
  }
  if (has('appToken')) {
    return staticToken(
      appToken(checkFields(forms.appToken, credentials, fieldNames, advice).appToken),
    );
  }
  if (has('accessToken')) {
    const form = checkFields(forms.accessToken, credentials, fieldNames, advice);
    return staticToken(accessToken(form.accessToken, form.expiresAt));
  }
  if (has('sign')) {
    const form = checkFields(forms.sign, credentials, fieldNames, advice);
    return keyPair(clientOf(form, fieldNames.whole), externalSigner(form));
  }
  if (has('privateKey') || names.has(normalizedName('publicKeyId'))) {
    const form = checkFields(forms.privateKey, credentials, fieldNames, advice);
    const key = parseKey(form.privateKey, form.passphrase, {
      key: fieldNames.field('privateKey'),
      passphrase: fieldNames.field('passphrase'),
    });
    return keyPair(clientOf(form, fieldNames.whole), keySigner({ ...form, ...key }));
  }
  return clientSecret(
    clientOf(checkFields(forms.clientSecret, credentials, fieldNames, advice), fieldNames.whole),
  );
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
  fieldNames: FieldNames,
  parseKey: KeyParser,
): ParsedBoxCredentials {
  const client = clientOf(
    {
      clientId: boxAppSettings.clientID,
      clientSecret: boxAppSettings.clientSecret,
      enterpriseId: enterpriseID,
      // As in Box's own SDKs, the service account goes before the user where a file has both.
      userId: enterpriseID === undefined ? userID : undefined,
    },
    where,
  );
  const { appAuth } = boxAppSettings;
  if (appAuth === undefined) {
    return clientSecret(client);
  }
  const inConfig = `${where}: boxAppSettings.appAuth`;
  const key = parseKey(appAuth.privateKey, passphraseApart ?? appAuth.passphrase, {
    key: `${inConfig}.privateKey`,
    passphrase:
      passphraseApart === undefined
        ? `${inConfig}.passphrase`
        : `${fieldNames.field('passphrase')}, which goes before the one beside the key,`,
  });
  return keyPair(
    client,
    keySigner({ ...key, publicKeyId: appAuth.publicKeyID, algorithm: 'RS256' }),
  );
}

function staticToken(token: StaticToken): ParsedBoxCredentials {
  return {
    kind: 'static-token',
    staticToken: token,
    // Only Box knows whose token it is; "me" is Box's own word for that user.
    subject: { type: 'user', id: 'me' },
    fingerprint: fingerprint(token.value.reveal()),
  };
}

function keyPair(
  { clientId, clientSecret: secret, subject }: Client,
  signer: AssertionSigner,
): ParsedBoxCredentials {
  return {
    kind: 'key-pair',
    clientId,
    clientSecret: new Secret(secret),
    subject,
    signer,
    fingerprint: fingerprint(clientId, secret, signer.publicKeyId ?? '', signer.thumbprint),
  };
}

function clientSecret({ clientId, clientSecret: secret, subject }: Client): ParsedBoxCredentials {
  return {
    kind: 'client-secret',
    clientId,
    clientSecret: new Secret(secret),
    subject,
    fingerprint: fingerprint(clientId, secret),
  };
}

function clientOf(
  form: {
    readonly clientId: string;
    readonly clientSecret: string;
    readonly enterpriseId?: string | undefined;
    readonly userId?: string | undefined;
  },
  where: string,
): Client {
  return {
    clientId: form.clientId,
    clientSecret: form.clientSecret,
    subject: theSubject(form.enterpriseId, form.userId, where),
  };
}

function theSubject(
  enterpriseId: string | undefined,
  userId: string | undefined,
  where: string,
): Subject {
  if (enterpriseId !== undefined && userId === undefined)
    return { type: 'enterprise', id: enterpriseId };
  if (userId !== undefined && enterpriseId === undefined) return { type: 'user', id: userId };
  throw configInvalid(
    `${where}: expected either enterpriseId (the service account) or userId, found ${enterpriseId === undefined ? 'neither' : 'both'}.`,
    advice,
  );
}
