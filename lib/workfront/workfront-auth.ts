import { AppAuth } from '../core/app/app-auth.js';
import { FieldNames } from '../core/credentials/credentials-errors.js';
import { cachedKeyParser } from '../core/credentials/private-key.js';
import { resolveWorkfrontOptions, type WorkfrontAuthOptions } from './workfront-auth.options.js';
import {
  parseWorkfrontCredentials,
  type WorkfrontCredentials,
  workfrontCredentialsHelp,
  type ParsedWorkfrontCredentials,
} from './workfront-credentials.js';
import { WorkfrontIssuer } from './workfront-issuer.js';
import { workfrontHeaders, workfrontUrlRules } from './workfront-outgoing.js';
import { WorkfrontTokenProvider } from './workfront-token.provider.js';

/** What errors say of an application that its options do not. */
export interface WorkfrontAuthContext {
  /** What its credentials are called, if they do not stand in the options. */
  readonly fieldNames?: FieldNames | undefined;
  /** What can be set beside its options: whoever mistypes one is told of all. */
  readonly extraOptionNames?: readonly string[];
}

const inOptions = new FieldNames('What stands in the options', undefined, (field) => field);

/** One OAuth2 application of Workfront. Needs no Nest. */
export class WorkfrontAuth extends AppAuth<WorkfrontCredentials, ParsedWorkfrontCredentials> {
  readonly provider: WorkfrontTokenProvider;

  /**
   * `extraOptionNames` names what can be set beside the options, `fieldNames` what errors call the credentials.
   *
   * @throws BoxAuthError for credentials and options that are wrong
   */
  constructor(
    options: WorkfrontAuthOptions,
    { fieldNames = inOptions, extraOptionNames = [] }: WorkfrontAuthContext = {},
  ) {
    const resolved = resolveWorkfrontOptions(options, extraOptionNames);
    const { origin } = resolved;
    const parseKey = cachedKeyParser(workfrontCredentialsHelp);
    super(
      {
        issuer: new WorkfrontIssuer(origin),
        parseCredentials: (form) => parseWorkfrontCredentials(form, fieldNames, parseKey),
        credentialsHelp: workfrontCredentialsHelp,
        headers: workfrontHeaders,
        urlRules: workfrontUrlRules(origin),
        apiUrl: origin,
      },
      resolved.credentials,
      resolved,
      undefined,
    );
    this.provider = new WorkfrontTokenProvider(this);
  }
}
