import { AppAuth, type IssuerDescription } from '../core/app/app-auth.js';
import { FieldNames } from '../core/credentials/credentials-errors.js';
import { cachedKeyParser } from '../core/credentials/private-key.js';
import { resolveWorkfrontOptions, type WorkfrontAuthOptions } from './workfront-auth.options.js';
import {
  type ParsedWorkfrontCredentials,
  parseWorkfrontCredentials,
  type WorkfrontCredentials,
  workfrontCredentialsHelp,
} from './workfront-credentials.js';
import { WorkfrontIssuer } from './workfront-issuer.js';
import { workfrontHeaders, workfrontUrlRules } from './workfront-outgoing.js';
import { WorkfrontTokenProvider } from './workfront-token.provider.js';

/** Details of an application for its errors. */
export interface WorkfrontAuthContext {
  /** The names of the credentials and their fields in errors. Default: the options of the same names. */
  readonly fieldNames?: FieldNames | undefined;
  /** Options that the caller handles itself. The error for an unknown option lists them too. */
  readonly extraOptionNames?: readonly string[];
}

const optionNames = new FieldNames(
  'Workfront credentials in the options',
  undefined,
  (field) => field,
);

/** One OAuth2 application of Workfront, without Nest. */
export class WorkfrontAuth extends AppAuth<WorkfrontCredentials, ParsedWorkfrontCredentials> {
  readonly provider: WorkfrontTokenProvider;

  /** @throws BoxAuthError for invalid options and credentials */
  constructor(
    options: WorkfrontAuthOptions,
    { fieldNames = optionNames, extraOptionNames = [] }: WorkfrontAuthContext = {},
  ) {
    const resolved = resolveWorkfrontOptions(options, extraOptionNames);
    super(
      describeWorkfront(resolved.origin, fieldNames),
      resolved.credentials,
      resolved,
      undefined,
    );
    this.provider = new WorkfrontTokenProvider(this);
  }
}

function describeWorkfront(
  origin: string,
  fieldNames: FieldNames,
): IssuerDescription<WorkfrontCredentials, ParsedWorkfrontCredentials> {
  const parseKey = cachedKeyParser(workfrontCredentialsHelp);
  return {
    issuer: new WorkfrontIssuer(origin),
    credentialsHelp: workfrontCredentialsHelp,
    parseCredentials: (credentials) => parseWorkfrontCredentials(credentials, fieldNames, parseKey),
    headers: workfrontHeaders,
    urlRules: workfrontUrlRules(origin),
    apiUrl: origin,
  };
}
