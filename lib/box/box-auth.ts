import { AppAuth } from '../core/app/app-auth.js';
import { describeBox } from './box-description.js';
import { Downscoping } from './downscope.js';
import { Revocation } from './revocation.js';
import { type BoxAuthOptions, resolveOptions } from './box-auth.options.js';
import { BoxTokenProvider } from './box-token.provider.js';
import type { BoxCredentials, ParsedBoxCredentials } from './credentials/box-credentials.js';
import type { FieldNames } from '../core/credentials/credentials-errors.js';
import type { ClientTransport } from '../core/http/client-transport.js';

/** What events and errors say of a Box app that its options do not. */
export interface BoxAuthContext {
  /** Tells it from other apps of the process. */
  readonly name?: string | undefined;
  /** What its credentials are called, if they are not the option `credentials`. */
  readonly fieldNames?: FieldNames | undefined;
  /** What can be set beside its options: whoever mistypes one is told of all. */
  readonly extraOptionNames?: readonly string[];
}

/** One Box app. Needs no Nest. */
export class BoxAuth extends AppAuth<BoxCredentials, ParsedBoxCredentials> {
  /** Replaces the transport of HTTP clients. Undefined: each client sends its own calls. */
  readonly transport: ClientTransport | undefined = undefined;
  readonly provider: BoxTokenProvider;
  readonly downscoping: Downscoping;
  readonly revocation: Revocation;

  /** @throws BoxAuthError for credentials and options that are wrong (a function's credentials: at `readCredentials`) */
  constructor(
    options: BoxAuthOptions,
    { name, fieldNames, extraOptionNames = [] }: BoxAuthContext = {},
  ) {
    const resolved = resolveOptions(options, extraOptionNames);
    super(describeBox(resolved, fieldNames), resolved.credentials, resolved, name);
    this.downscoping = new Downscoping(this.tokens, this.endpoint);
    this.revocation = new Revocation(this.tokens, this.endpoint, this.apiUrl);
    this.provider = new BoxTokenProvider(this);
  }
}
