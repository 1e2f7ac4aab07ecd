import { Secret } from '../../core/errors/secret.js';
import {
  type AssertionSigner,
  externalSigner,
  keySigner,
} from '../../core/credentials/assertion.js';
import type { ParsedBoxCredentials } from './box-credentials.js';
import { type CheckedConfig, parseConfig, readConfigFile } from './config-json.js';
import { lookalikeOfCredentials } from './config-shapes.js';
import { isSecretEnvelope } from './config-unwrap.js';
import type { StaticToken } from '../../core/credentials/credentials-source.js';
import { forms } from './credential-forms.js';
import { boxCredentialsAdvice as advice } from './box-credentials-advice.js';
import { checked, configInvalid, isRecord, plain } from '../../core/credentials/field-checks.js';
import { fingerprint } from '../../core/credentials/fingerprint.js';
import { accessToken, appToken, developerToken } from './static-token-kinds.js';
import { type KeyOpener, privateKeyOpener } from '../../core/credentials/private-key.js';
import { type FieldNames, optionFieldNames } from '../../core/credentials/field-names.js';
import type { Subject } from '../../core/credentials/subject.js';

/**
 * Reads credentials in any of their forms, checks every field and opens the private key with `openKey`.
 *
 * @throws BoxAuthError `config_unreadable`, `config_invalid` and those of `openPrivateKey`
 */
export function parseCredentials(
  credentials: unknown,
  place = optionFieldNames('credentials'),
  openKey = privateKeyOpener(advice),
): ParsedBoxCredentials {
  if (!isRecord(credentials)) {
    throw configInvalid(
      `${place.whole} is not an object with one of configFile, config, developerToken, appToken, accessToken, privateKey, sign or clientSecret.`,
      advice,
    );
  }
  if ('boxAppSettings' in credentials || isSecretEnvelope(credentials)) {
    throw configInvalid(`${place.whole} is config.json itself: give it as { config: … }.`, advice);
  }
  const lookalike = lookalikeOfCredentials(credentials);
  if (lookalike !== undefined) {
    throw configInvalid(`${place.whole} is ${lookalike.what}.`, {
      ...advice,
      hint: lookalike.hint,
    });
  }
  const names = new Set(Object.keys(credentials).map(plain));
  const has = (form: keyof typeof forms) => names.has(plain(form));
  if (has('configFile')) {
    const form = checked(forms.configFile, credentials, place, advice);
    const config = readConfigFile(form.configFile, { setting: place.field('configFile') });
    return fromConfig(config, form.passphrase, form.configFile, place, openKey);
  }
  if (has('config')) {
    const form = checked(forms.config, credentials, place, advice);
    const field = place.field('config');
    return fromConfig(parseConfig(form.config, field), form.passphrase, field, place, openKey);
  }
  if (has('developerToken')) {
    const form = checked(forms.developerToken, credentials, place, advice);
    return staticToken(developerToken(form.developerToken));
  }
  if (has('appToken')) {
    return staticToken(appToken(checked(forms.appToken, credentials, place, advice).appToken));
  }
  if (has('accessToken')) {
    const form = checked(forms.accessToken, credentials, place, advice);
    return staticToken(accessToken(form.accessToken, form.expiresAt));
  }
  if (has('sign')) {
    const form = checked(forms.sign, credentials, place, advice);
    return keyPair(clientOf(form, place.whole), externalSigner(form));
  }
  if (has('privateKey') || names.has(plain('publicKeyId'))) {
    const form = checked(forms.privateKey, credentials, place, advice);
    const key = openKey(form.privateKey, form.passphrase, {
      key: place.field('privateKey'),
      passphrase: place.field('passphrase'),
    });
    return keyPair(clientOf(form, place.whole), keySigner({ ...form, ...key }));
  }
  return clientSecret(
    clientOf(checked(forms.clientSecret, credentials, place, advice), place.whole),
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
  place: FieldNames,
  openKey: KeyOpener,
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
  const key = openKey(appAuth.privateKey, passphraseApart ?? appAuth.passphrase, {
    key: `${inConfig}.privateKey`,
    passphrase:
      passphraseApart === undefined
        ? `${inConfig}.passphrase`
        : `${place.field('passphrase')}, which goes before the one beside the key,`,
  });
  return keyPair(
    client,
    keySigner({ ...key, publicKeyId: appAuth.publicKeyID, algorithm: 'RS256' }),
  );
}

function staticToken(token: StaticToken): ParsedBoxCredentials {
  return {
    kind: 'given-token',
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
