import { AppAuth } from '../../../../lib/core/app/app-auth.js';
import { type AcmeAuthOptions, resolveAcmeOptions } from './acme-auth.options.js';
import {
  type AcmeCredentials,
  acmeCredentialsHelp,
  parseAcmeCredentials,
  type ParsedAcmeCredentials,
} from './acme-credentials.js';
import { AcmeIssuer } from './acme-issuer.js';
import { acmeHeaders, acmeUrlRules } from './acme-outgoing.js';

export class AcmeAuth extends AppAuth<AcmeCredentials, ParsedAcmeCredentials> {
  constructor(options: AcmeAuthOptions) {
    const resolved = resolveAcmeOptions(options);
    const { apiUrl } = resolved;
    super(
      {
        issuer: new AcmeIssuer(apiUrl),
        parseCredentials: parseAcmeCredentials,
        credentialsHelp: acmeCredentialsHelp,
        headers: acmeHeaders,
        urlRules: acmeUrlRules(apiUrl),
        apiUrl,
      },
      options.credentials,
      resolved,
      undefined,
    );
  }
}
