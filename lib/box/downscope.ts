import type { ParsedBoxCredentials } from './credentials/box-credentials.js';
import type { ActingConnection } from '../core/acting/acting.context.js';
import type { Subject } from '../core/credentials/subject.js';
import { BoxAuthError } from '../core/errors/box-auth.error.js';
import type { AccessToken } from '../core/token-endpoint/access-token.js';
import { accessTokenGrant, type Grant } from '../core/token-endpoint/grant.js';
import type { Attempt, Form } from '../core/token-endpoint/issuer.js';
import type { TokenCache } from '../core/tokens/token-cache.js';
import { rejected } from '../core/tokens/rejection-throttle.js';
import { BOX_AUDIENCE } from './box-assertion.js';
import { boxDocs } from './box-docs.js';

const ACTOR_TOKEN_LIFETIME_S = 45;
const TOKEN_TYPE = 'urn:ietf:params:oauth:token-type';

/** A person without a Box account who makes annotations. */
export interface Actor {
  /** An id of the app's own choice. */
  readonly id: string;
  /** The name that Box shows next to the annotations. */
  readonly name: string;
}

/** The rights of a downscoped token. */
export interface DownscopeRequest {
  /** At least one scope of Box, such as `item_preview`. */
  readonly scopes: readonly string[];
  /** The full address of one file or folder, such as `https://api.box.com/2.0/files/12345`. */
  readonly resource?: string | undefined;
  /** A shared link, instead of `resource`. */
  readonly sharedLink?: string | undefined;
  /** The person who makes annotations with the token, if that person has no Box account. */
  readonly actor?: Actor | undefined;
  /** The subject of the original token. Default: the acting user, else the subject of the credentials. */
  readonly subject?: Subject | undefined;
  /** Ends the wait for the token. */
  readonly signal?: AbortSignal | undefined;
}

interface TokenExchange {
  exchange<Kept>(grant: Grant<Kept>, signal?: AbortSignal): Promise<Kept>;
  currentCredentials(): Promise<ParsedBoxCredentials>;
}

/** Exchanges tokens for tokens with fewer rights (RFC 8693). Caches none, because the app passes them on, usually to a browser. */
export class Downscoping {
  constructor(
    private readonly tokens: Pick<TokenCache, 'whileOpen'>,
    private readonly endpoint: TokenExchange,
  ) {}

  /** `original` provides the original token. */
  async downscope(
    request: DownscopeRequest,
    original: Pick<ActingConnection, 'get' | 'invalidate'>,
  ): Promise<AccessToken> {
    const { signal } = request;
    let fields: Form;
    try {
      fields = checkedFields(request);
    } catch (error) {
      return rejected(error);
    }
    const first = await original.get({ signal });
    try {
      return await this.#exchange(fields, first, request);
    } catch (error) {
      if (!(error instanceof BoxAuthError) || error.code !== 'subject_token_refused') throw error;
      original.invalidate(first);
      return this.#exchange(fields, await original.get({ signal }), request);
    }
  }

  async #exchange(
    fields: Form,
    token: AccessToken,
    { actor, signal }: DownscopeRequest,
  ): Promise<AccessToken> {
    const form = {
      grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
      subject_token: token.value,
      subject_token_type: `${TOKEN_TYPE}:access_token`,
      ...fields,
    };
    const makeForm = async (attempt: Attempt) =>
      actor === undefined
        ? form
        : {
            ...form,
            actor_token: await actorToken(await this.endpoint.currentCredentials(), actor, attempt),
            actor_token_type: `${TOKEN_TYPE}:id_token`,
          };
    const grant = accessTokenGrant(makeForm, token.subject);
    const downscoped = await this.tokens.whileOpen(
      (ending) => this.endpoint.exchange(grant, ending),
      signal,
    );
    return downscoped.token;
  }
}

/**
 * The token that names the actor: https://developer.box.com/guides/authentication/tokens/annotator-tokens/. Signed with the
 * app's key. An app without a key sends it unsecured (RFC 7519 section 6), like Box's SDKs: the subject token authenticates
 * the app.
 */
async function actorToken(
  credentials: ParsedBoxCredentials,
  { id, name }: Actor,
  { number, serverNow, uniqueId }: Attempt,
): Promise<string> {
  if (credentials.kind === 'static-token') {
    throw new BoxAuthError({
      code: 'downscope_invalid',
      message: `Cannot downscope a token for an actor: the credentials are a fixed ${credentials.staticToken.name}, without a client id.`,
      hint: 'Use a key pair or client credentials.',
      docs: boxDocs.annotatorTokens,
    });
  }
  const claims = {
    iss: credentials.clientId,
    sub: id,
    box_sub_type: 'external',
    name,
    aud: BOX_AUDIENCE,
    jti: uniqueId,
    exp: Math.floor(serverNow / 1000) + ACTOR_TOKEN_LIFETIME_S + number,
  };
  if (credentials.kind === 'key-pair') return credentials.signer.sign(claims);
  const { UnsecuredJWT } = await import('jose/jwt/unsecured');
  return new UnsecuredJWT(claims).encode();
}

function checkedFields({
  scopes,
  resource,
  sharedLink,
  actor,
}: DownscopeRequest): Record<string, string> {
  if (actor !== undefined && (!isText(actor?.id) || !isText(actor?.name))) {
    throw invalid('Invalid `actor`: expected { id, name }, two non-empty strings.');
  }
  if (!Array.isArray(scopes) || scopes.length === 0 || !scopes.every(isScope)) {
    throw invalid('Invalid `scopes`: expected at least one scope, such as "item_preview".');
  }
  if (resource !== undefined && sharedLink !== undefined) {
    throw invalid(
      'Invalid `resource` and `sharedLink`: expected at most one of them, received both.',
    );
  }
  for (const address of [resource, sharedLink]) {
    if (address !== undefined && !URL.canParse(address)) {
      throw invalid('Invalid `resource` or `sharedLink`: expected an absolute URL.');
    }
  }
  return {
    scope: scopes.join(' '),
    ...(resource === undefined ? {} : { resource }),
    ...(sharedLink === undefined ? {} : { box_shared_link: sharedLink }),
  };
}

function isScope(scope: unknown): boolean {
  return typeof scope === 'string' && /^[a-z][a-z_.]*$/.test(scope);
}

function isText(value: unknown): boolean {
  return typeof value === 'string' && value !== '';
}

function invalid(message: string): BoxAuthError {
  return new BoxAuthError({
    code: 'downscope_invalid',
    message,
    hint: 'Fix the argument of downscope(). The linked document lists the scopes.',
    docs: boxDocs.downscope,
  });
}
