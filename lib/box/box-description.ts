import type { IssuerDescription } from '../core/app/app-auth.js';
import {
  type BoxCredentials,
  type ParsedBoxCredentials,
  boxCredentialsHelp,
} from './credentials/box-credentials.js';
import { parseCredentials } from './credentials/parse-credentials.js';
import type { FieldNames } from '../core/credentials/credentials-errors.js';
import { cachedKeyParser } from '../core/credentials/private-key.js';
import { type AssertionOptions, BoxIssuer } from './box-issuer.js';
import { boxHeaders, boxUrlRules } from './box-outgoing.js';

/** Where Box is, for this app, and how it makes its assertions. */
interface BoxSettings {
  readonly apiUrl: string;
  readonly origins: readonly string[];
  readonly assertion: AssertionOptions;
}

/** Box, as one of those who issue tokens. `fieldNames` is what errors call the credentials, if they have a name of their own. */
export function describeBox(
  { apiUrl, origins, assertion }: BoxSettings,
  fieldNames: FieldNames | undefined,
): IssuerDescription<BoxCredentials, ParsedBoxCredentials> {
  const parseKey = cachedKeyParser(boxCredentialsHelp);
  return {
    issuer: new BoxIssuer(apiUrl, assertion),
    credentialsHelp: boxCredentialsHelp,
    parseCredentials: (form, optionNames) =>
      parseCredentials(form, fieldNames ?? optionNames, parseKey),
    headers: boxHeaders,
    urlRules: boxUrlRules(origins),
    apiUrl,
  };
}
