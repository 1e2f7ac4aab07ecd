import type { IssuerDescription } from '../core/app/app-auth.js';
import type { BoxCredentials, BoxOpenedCredentials } from './credentials/box-credentials.js';
import { boxCredentialsAdvice } from './credentials/box-credentials-advice.js';
import { openCredentials } from './credentials/parse-credentials.js';
import type { Place } from '../core/credentials/field-names.js';
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
  place: Place | undefined,
): IssuerDescription<BoxCredentials, BoxOpenedCredentials> {
  const openKey = privateKeyOpener(boxCredentialsAdvice);
  return {
    issuer: new BoxIssuer(apiUrl, assertion),
    credentialsAdvice: boxCredentialsAdvice,
    openCredentials: (form, given) => openCredentials(form, place ?? given, openKey),
    headers: boxHeaders,
    urlRules: boxUrlRules(origins),
    apiUrl,
  };
}
