import type { CredentialsHelp } from '../../../../lib/core/credentials/credentials-errors.js';
import type { ParsedCredentials } from '../../../../lib/core/credentials/credentials-source.js';
import { fingerprint, Secret } from '../../../../lib/core/errors/secret.js';
import { acmeDocs } from './acme-docs.js';

export interface AcmeCredentials {
  readonly clientId: string;
  readonly clientSecret: string;
}

export interface ParsedAcmeCredentials extends ParsedCredentials {
  readonly clientId: string;
  readonly clientSecret: Secret;
}

export const acmeCredentialsHelp: CredentialsHelp = {
  issuer: 'Acme',
  hint: 'Copy both from the page of the app.',
  docs: acmeDocs,
  newKey: 'none',
  passphraseVariable: 'none',
};

export function parseAcmeCredentials({
  clientId,
  clientSecret,
}: AcmeCredentials): ParsedAcmeCredentials {
  return {
    clientId,
    clientSecret: new Secret(clientSecret),
    subject: { type: 'enterprise', id: clientId },
    fingerprint: fingerprint(clientId, clientSecret),
  };
}
