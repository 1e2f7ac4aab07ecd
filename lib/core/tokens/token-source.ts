import type { Subject } from '../credentials/subject.js';
import type { AccessToken, MintedToken, PreviousTokens } from '../token-endpoint/access-token.js';

/** Where the cache gets tokens: the token endpoint, or a store in front of it. */
export interface TokenSource {
  /** The subject of the credentials; undefined while a function has not returned them yet. */
  readonly defaultSubject: Subject | undefined;
  /** @throws BoxAuthError `subject_invalid` for an id that the issuer cannot know */
  checkSubject?(subject: Subject): void;
  /** Gets a token for `subject`, or for the default subject. Aborting `signal` aborts the request. */
  mint(
    subject: Subject | undefined,
    previous: PreviousTokens,
    signal: AbortSignal,
  ): Promise<MintedToken>;
  /** Forgets which credentials were refused, or only the refusals of one enterprise. */
  forgetRefusals(enterprise?: string): void;
  /** A token that another process requested after `token`, if there is one. Sends no token request, and never rejects. */
  findNewer?(token: AccessToken): Promise<MintedToken | undefined>;
  /** Stops sharing `token` with other processes. */
  unshare?(token: AccessToken): void;
}
