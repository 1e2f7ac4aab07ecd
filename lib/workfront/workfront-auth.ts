import { AppAuth } from '../core/app/app-auth.js';
import { FieldNames } from '../core/credentials/field-names.js';
import { privateKeyOpener } from '../core/credentials/private-key.js';
import { resolveWorkfrontOptions, type WorkfrontAuthOptions } from './workfront-auth.options.js';
import {
  parseWorkfrontCredentials,
  type WorkfrontCredentials,
  workfrontCredentialsAdvice,
  type ParsedWorkfrontCredentials,
} from './workfront-credentials.js';
import { WorkfrontIssuer } from './workfront-issuer.js';
import { workfrontHeaders, workfrontUrlRules } from './workfront-outgoing.js';
import { WorkfrontTokenProvider } from './workfront-token.provider.js';

/** What errors say of an application that its options do not. */
export interface WorkfrontAuthContext {
  /** What its credentials are called, if they do not stand in the options. */
  readonly place?: FieldNames | undefined;
  /** What can be set beside its options: whoever mistypes one is told of all. */
  readonly extraOptionNames?: readonly string[];
}

const inOptions = new FieldNames('What stands in the options', undefined, (field) => field);

/** One OAuth2 application of Workfront. Needs no Nest. */
export class WorkfrontAuth extends AppAuth<WorkfrontCredentials, ParsedWorkfrontCredentials> {
  readonly provider: WorkfrontTokenProvider;

  /**
   * `extraOptionNames` names what can be set beside the options, `place` what errors call the credentials.
   *
   * @throws BoxAuthError for credentials and options that are wrong
   */
  constructor(
    options: WorkfrontAuthOptions,
    { place = inOptions, extraOptionNames = [] }: WorkfrontAuthContext = {},
  ) {
    const resolved = resolveWorkfrontOptions(options, extraOptionNames);
    const { origin } = resolved;
    const openKey = privateKeyOpener(workfrontCredentialsAdvice);
    super(
      {
        issuer: new WorkfrontIssuer(origin),
        parseCredentials: (form) => parseWorkfrontCredentials(form, place, openKey),
        credentialsAdvice: workfrontCredentialsAdvice,
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
