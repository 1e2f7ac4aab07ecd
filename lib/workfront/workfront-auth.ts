import { AppAuth } from '../app-auth.js';
import { privateKeyOpener } from '../credentials/private-key.js';
import { resolveWorkfrontOptions, type WorkfrontAuthOptions } from './workfront-auth.options.js';
import {
  openWorkfrontCredentials,
  type WorkfrontCredentials,
  workfrontCredentialsAdvice,
  type WorkfrontOpenedCredentials,
} from './workfront-credentials.js';
import { WorkfrontIssuer } from './workfront-issuer.js';
import { workfrontHeaders, workfrontUrlRules } from './workfront-outgoing.js';
import { WorkfrontTokenProvider } from './workfront-token.provider.js';

/** One OAuth2 application of Workfront. Needs no Nest. */
export class WorkfrontAuth extends AppAuth<WorkfrontCredentials, WorkfrontOpenedCredentials> {
  readonly provider: WorkfrontTokenProvider;

  /** @throws BoxAuthError for credentials and options that are wrong */
  constructor(options: WorkfrontAuthOptions) {
    const resolved = resolveWorkfrontOptions(options);
    const { origin } = resolved;
    const openKey = privateKeyOpener(workfrontCredentialsAdvice);
    super(
      {
        issuer: new WorkfrontIssuer(origin),
        openCredentials: (form, where) => openWorkfrontCredentials(form, where, openKey),
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
