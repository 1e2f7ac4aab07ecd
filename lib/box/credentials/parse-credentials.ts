import { Secret, fingerprint } from '../../core/errors/secret.js';
import {
  type AssertionSigner,
  externalSigner,
  keySigner,
} from '../../core/credentials/assertion.js';
import { type ParsedBoxCredentials, boxCredentialsHelp as help } from './box-credentials.js';
import { type CheckedConfig, parseConfig, readConfigFile } from './config-json.js';
import { wrongCredentialsFormat } from './wrong-formats.js';
import { isSecretEnvelope } from './config-decoding.js';
import type { StaticToken } from '../../core/credentials/credentials-source.js';
import { forms } from './credential-forms.js';
import {
  checkFields,
  describeValue,
  isRecord,
  normalizedName,
} from '../../core/credentials/field-checks.js';
import {
  configInvalid,
  type FieldNames,
  optionFieldNames,
} from '../../core/credentials/credentials-errors.js';
import { accessToken, appToken, developerToken } from './static-tokens.js';
import { type KeyParser, cachedKeyParser } from '../../core/credentials/private-key.js';
import type { Subject } from '../../core/credentials/subject.js';

/**
 * Parses credentials in any of their forms: checks every field, and parses the private key with `parseKey`.
 *
 * @throws BoxAuthError `config_unreadable`, `config_invalid` and the errors of `parsePrivateKey`
 */
export function parseCredentials(
  credentials: unknown,
  fieldNames = optionFieldNames('credentials'),
  parseKey = cachedKeyParser(help),
): ParsedBoxCredentials {
  if (!isRecord(credentials)) {
    throw configInvalid(
      `Invalid ${fieldNames.whole}: expected an object with one of configFile, config, developerToken, appToken, accessToken, privateKey, sign or clientSecret, received ${describeValue(credentials)}.`,
      help,
    );
  }
  if ('boxAppSettings' in credentials || isSecretEnvelope(credentials)) {
    throw configInvalid(
      `${fieldNames.whole} is config.json itself: pass it as { config: … }.`,
      help,
    );
  }
  const format = wrongCredentialsFormat(credentials);
  if (format !== undefined) {
    throw configInvalid(`${fieldNames.whole} is ${format.description}.`, {
      ...help,
      hint: format.hint,
    });
  }
  const names = new Set(Object.keys(credentials).map(normalizedName));
  const has = (form: keyof typeof forms) => names.has(normalizedName(form));
  if (has('configFile')) {
    const form = checkFields(forms.configFile, credentials, fieldNames, help);
    const config = readConfigFile(form.configFile, { setting: fieldNames.field('configFile') });
    return fromConfig(config, form.passphrase, form.configFile, fieldNames, parseKey);
  }
  if (has('config')) {
    const form = checkFields(forms.config, credentials, fieldNames, help);
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
    const form = checkFields(forms.developerToken, credentials, fieldNames, help);
    return staticToken(developerToken(form.developerToken));
  }
  if (has('appToken')) {
    return staticToken(
      appToken(checkFields(forms.appToken, credentials, fieldNames, help).appToken),
    );
  }
  if (has('accessToken')) {
    const form = checkFields(forms.accessToken, credentials, fieldNames, help);
    return staticToken(accessToken(form.accessToken, form.expiresAt));
  }
  if (has('sign')) {
    const form = checkFields(forms.sign, credentials, fieldNames, help);
    return keyPair(clientOf(form, fieldNames.whole), externalSigner(form));
  }
  if (has('privateKey') || names.has(normalizedName('publicKeyId'))) {
    const form = checkFields(forms.privateKey, credentials, fieldNames, help);
    const key = parseKey(form.privateKey, form.passphrase, {
      key: fieldNames.field('privateKey'),
      passphrase: fieldNames.field('passphrase'),
    });
    return keyPair(clientOf(form, fieldNames.whole), keySigner({ ...form, ...key }));
  }
  return clientSecret(
    clientOf(checkFields(forms.clientSecret, credentials, fieldNames, help), fieldNames.whole),
  );
}

interface Client {
  readonly clientId: string;
  readonly clientSecret: string;
  readonly subject: Subject;
}

function fromConfig(
  { boxAppSettings, enterpriseID, userID }: CheckedConfig,
  separatePassphrase: string | undefined,
  source: string,
  fieldNames: FieldNames,
  parseKey: KeyParser,
): ParsedBoxCredentials {
  const client = clientOf(
    {
      clientId: boxAppSettings.clientID,
      clientSecret: boxAppSettings.clientSecret,
      enterpriseId: enterpriseID,
      // As in Box's SDKs, the service account takes precedence if a file has both ids.
      userId: enterpriseID === undefined ? userID : undefined,
    },
    source,
  );
  const { appAuth } = boxAppSettings;
  if (appAuth === undefined) {
    return clientSecret(client);
  }
  const inConfig = `${source}: boxAppSettings.appAuth`;
  const key = parseKey(appAuth.privateKey, separatePassphrase ?? appAuth.passphrase, {
    key: `${inConfig}.privateKey`,
    passphrase:
      separatePassphrase === undefined
        ? `${inConfig}.passphrase`
        : `${fieldNames.field('passphrase')}, which overrides the one next to the key,`,
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
    // Only Box knows the owner of the token. "me" is Box's word for that user.
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
  source: string,
): Client {
  return {
    clientId: form.clientId,
    clientSecret: form.clientSecret,
    subject: defaultSubject(form.enterpriseId, form.userId, source),
  };
}

function defaultSubject(
  enterpriseId: string | undefined,
  userId: string | undefined,
  source: string,
): Subject {
  if (enterpriseId !== undefined && userId === undefined)
    return { type: 'enterprise', id: enterpriseId };
  if (userId !== undefined && enterpriseId === undefined) return { type: 'user', id: userId };
  throw configInvalid(
    `Invalid ${source}: expected either enterpriseId (the service account) or userId, received ${enterpriseId === undefined ? 'neither' : 'both'}.`,
    help,
  );
}
