import { Secret } from '../errors/secret.js';
import { type AssertionSigner, externalSigner, keySigner } from './assertion.js';
import type { BoxOpenedCredentials } from './box-credentials.js';
import { type CheckedConfig, parseConfig, readConfigFile } from './config-json.js';
import { forms } from './credential-forms.js';
import { boxCredentialsAdvice as advice } from './credentials-advice.js';
import { checked, configInvalid, isRecord } from './field-checks.js';
import { fingerprint } from './fingerprint.js';
import { type KeyOpener, privateKeyOpener } from './private-key.js';
import { Place } from './place.js';
import type { Subject } from './subject.js';

/**
 * Reads credentials in any of their forms, checks every field and opens the private key with `openKey`.
 *
 * @throws BoxAuthError `config_unreadable`, `config_invalid` and those of `openPrivateKey`
 */
export function openCredentials(
  credentials: unknown,
  place = new Place('credentials'),
  openKey = privateKeyOpener(advice),
): BoxOpenedCredentials {
  if (!isRecord(credentials)) {
    throw configInvalid(
      `${place.whole} is not an object with one of configFile, config, developerToken, privateKey, sign or clientSecret.`,
      advice,
    );
  }
  if ('boxAppSettings' in credentials) {
    throw configInvalid(`${place.whole} is config.json itself: give it as { config: … }.`, advice);
  }
  if ('configFile' in credentials) {
    const form = checked(forms.configFile, credentials, place, advice);
    return fromConfig(readConfigFile(form.configFile), form.passphrase, form.configFile, openKey);
  }
  if ('config' in credentials) {
    const form = checked(forms.config, credentials, place, advice);
    const field = place.field('config');
    return fromConfig(parseConfig(form.config, field), form.passphrase, field, openKey);
  }
  if ('developerToken' in credentials) {
    const form = checked(forms.developerToken, credentials, place, advice);
    return {
      kind: 'developer-token',
      givenToken: new Secret(form.developerToken),
      // Whose it is only Box knows; "me" is Box's own word for that user.
      subject: { type: 'user', id: 'me' },
      fingerprint: fingerprint(form.developerToken),
    };
  }
  if ('sign' in credentials) {
    const form = checked(forms.sign, credentials, place, advice);
    return keyPair(clientOf(form, place.whole), externalSigner(form));
  }
  if ('privateKey' in credentials || 'publicKeyId' in credentials) {
    const form = checked(forms.privateKey, credentials, place, advice);
    const key = openKey(form.privateKey, form.passphrase, place.field('privateKey'));
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
  openKey: KeyOpener,
): BoxOpenedCredentials {
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
  const field = `${where}: boxAppSettings.appAuth.privateKey`;
  const key = openKey(appAuth.privateKey, passphraseApart ?? appAuth.passphrase, field);
  return keyPair(
    client,
    keySigner({ ...key, publicKeyId: appAuth.publicKeyID, algorithm: 'RS256' }),
  );
}

function keyPair(
  { clientId, clientSecret: secret, subject }: Client,
  signer: AssertionSigner,
): BoxOpenedCredentials {
  return {
    kind: 'key-pair',
    clientId,
    clientSecret: new Secret(secret),
    subject,
    signer,
    fingerprint: fingerprint(clientId, secret, signer.publicKeyId ?? '', signer.thumbprint),
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
