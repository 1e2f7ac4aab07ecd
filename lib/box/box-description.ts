import type { IssuerDescription } from '../core/app/app-auth.js';
import type { BoxCredentials, ParsedBoxCredentials } from './credentials/box-credentials.js';
import { boxCredentialsAdvice } from './credentials/box-credentials-advice.js';
import { parseCredentials } from './credentials/parse-credentials.js';
import type { FieldNames } from '../core/credentials/field-names.js';
import { privateKeyOpener } from '../core/credentials/private-key.js';
import { type AssertionOptions, BoxIssuer } from './box-issuer.js';
import { boxHeaders, boxUrlRules } from './box-outgoing.js';

/** Where Box is, for this app, and how it makes its assertions. */
interface BoxSettings {
  readonly apiUrl: string;
  readonly origins: readonly string[];
  readonly assertion: AssertionOptions;
}

/** Box, as one of those who issue tokens. `place` is what errors call the credentials, if they have a name of their own. */
export function describeBox(
  { apiUrl, origins, assertion }: BoxSettings,
  place: FieldNames | undefined,
): IssuerDescription<BoxCredentials, ParsedBoxCredentials> {
  const openKey = privateKeyOpener(boxCredentialsAdvice);
  return {
    issuer: new BoxIssuer(apiUrl, assertion),
    credentialsAdvice: boxCredentialsAdvice,
    parseCredentials: (form, given) => parseCredentials(form, place ?? given, openKey),
    headers: boxHeaders,
    urlRules: boxUrlRules(origins),
    apiUrl,
  };
}
