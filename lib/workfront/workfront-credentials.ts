import * as v from 'valibot';
import { type AssertionSigner, keySigner } from '../core/credentials/assertion.js';
import type { CredentialsAdvice } from '../core/credentials/credentials-advice.js';
import type { ParsedCredentials } from '../core/credentials/credentials-source.js';
import { asciiText, checked, passphrase, text, wordsOf } from '../core/credentials/field-checks.js';
import { fingerprint } from '../core/credentials/fingerprint.js';
import type { FieldNames } from '../core/credentials/field-names.js';
import type { KeyOpener } from '../core/credentials/private-key.js';
import { Secret } from '../core/errors/secret.js';
import { workfrontDocs } from './workfront-docs.js';

/** A custom OAuth2 application of Workfront, of the type "Machine to Machine Application" (JWT flow). */
export interface WorkfrontCredentials {
  /** The application's client id. */
  readonly clientId: string;
  readonly clientSecret: string;
  /** The customer id on the application's page, which is not the client id. */
  readonly customerId: string;
  /** The id of the user who added the public key: calls act as this user. */
  readonly userId: string;
  /** PEM, encrypted or not. Literal `\n` for newlines, as in environment variables, is understood. */
  readonly privateKey: string;
  /** Of an encrypted private key. */
  readonly passphrase?: string | undefined;
}

/** Credentials that were read and found good. */
export interface ParsedWorkfrontCredentials extends ParsedCredentials {
  readonly clientId: string;
  readonly clientSecret: Secret;
  readonly customerId: string;
  readonly signer: AssertionSigner;
}

export const workfrontCredentialsAdvice: CredentialsAdvice = {
  issuer: 'Workfront',
  hint: 'Copy what is named above from the page of the OAuth2 application, under Setup > System > OAuth2 Applications.',
  docs: workfrontDocs.jwtFlow,
  newKey: 'npx nestjs-box-auth keygen --workfront',
  passphraseVariable: 'WORKFRONT_PRIVATE_KEY_PASSPHRASE',
};

const entries = {
  clientId: asciiText('the client id of the application'),
  clientSecret: asciiText('the client secret of the application'),
  customerId: asciiText(
    'the customer id on the page of the application, which is not the client id',
  ),
  userId: asciiText('the id of the user who added the public key'),
  privateKey: text('the private key in PEM'),
  passphrase,
};

const form = v.strictObject(
  entries,
  wordsOf(entries, 'clientId, clientSecret, customerId, userId, privateKey and passphrase'),
);

/**
 * Checks every field and opens the private key.
 *
 * @throws BoxAuthError `config_invalid` and those of opening a private key (`key_…`)
 */
export function parseWorkfrontCredentials(
  given: WorkfrontCredentials,
  place: FieldNames,
  openKey: KeyOpener,
): ParsedWorkfrontCredentials {
  const fields = checked(form, given, place, workfrontCredentialsAdvice);
  const { clientId, clientSecret, customerId, userId } = fields;
  const key = openKey(fields.privateKey, fields.passphrase, {
    key: place.field('privateKey'),
    passphrase: place.field('passphrase'),
  });
  return {
    clientId,
    clientSecret: new Secret(clientSecret),
    customerId,
    subject: { type: 'user', id: userId },
    signer: keySigner({ ...key, algorithm: 'RS256' }),
    fingerprint: fingerprint(clientId, clientSecret, customerId, userId, key.thumbprint),
  };
}
