import * as v from 'valibot';
import { type AssertionSigner, keySigner } from '../core/credentials/assertion.js';
import type { CredentialsHelp, FieldNames } from '../core/credentials/credentials-errors.js';
import type { ParsedCredentials } from '../core/credentials/credentials-source.js';
import {
  asciiText,
  checkFields,
  passphrase,
  text,
  missingFieldMessage,
} from '../core/credentials/field-checks.js';
import { fingerprint, Secret } from '../core/errors/secret.js';
import type { KeyParser } from '../core/credentials/private-key.js';
import { workfrontDocs } from './workfront-docs.js';

/** The credentials of an OAuth2 application of the type "Machine to Machine Application" (JWT flow). */
export interface WorkfrontCredentials {
  /** The application's client id. */
  readonly clientId: string;
  readonly clientSecret: string;
  /** The customer id on the application's page. It is not the client id. */
  readonly customerId: string;
  /** The id of the user who added the public key: calls act as this user. */
  readonly userId: string;
  /** PEM, plain or encrypted. Literal `\n` instead of line breaks, as in environment variables, is accepted. */
  readonly privateKey: string;
  /** The passphrase of an encrypted private key. */
  readonly passphrase?: string | undefined;
}

/** Checked and parsed credentials, ready for token requests. */
export interface ParsedWorkfrontCredentials extends ParsedCredentials {
  readonly clientId: string;
  readonly clientSecret: Secret;
  readonly customerId: string;
  readonly signer: AssertionSigner;
}

export const workfrontCredentialsHelp: CredentialsHelp = {
  issuer: 'Workfront',
  hint: 'Copy the fields above from the page of the OAuth2 application, under Setup > System > OAuth2 Applications.',
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
  missingFieldMessage(
    entries,
    'clientId, clientSecret, customerId, userId, privateKey and passphrase',
  ),
);

/**
 * Checks every field, and parses the private key with `parseKey`.
 *
 * @throws BoxAuthError `config_invalid` and the errors of `parsePrivateKey` (`key_…`)
 */
export function parseWorkfrontCredentials(
  credentials: WorkfrontCredentials,
  fieldNames: FieldNames,
  parseKey: KeyParser,
): ParsedWorkfrontCredentials {
  const fields = checkFields(form, credentials, fieldNames, workfrontCredentialsHelp);
  const { clientId, clientSecret, customerId, userId } = fields;
  const key = parseKey(fields.privateKey, fields.passphrase, {
    key: fieldNames.field('privateKey'),
    passphrase: fieldNames.field('passphrase'),
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
