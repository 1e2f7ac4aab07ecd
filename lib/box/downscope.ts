import { UnsecuredJWT } from 'jose/jwt/unsecured';
import type { ParsedBoxCredentials } from './credentials/box-credentials.js';
import type { Subject } from '../core/credentials/subject.js';
import { BoxAuthError } from '../core/errors/box-auth.error.js';
import type { AccessToken } from '../core/token-endpoint/access-token.js';
import type { Attempt } from '../core/token-endpoint/issuer.js';
import type { TokenCache } from '../core/tokens/token-cache.js';
import { rejected } from '../core/tokens/rejection-pace.js';
import { BOX_AUDIENCE } from './box-assertion.js';
import { boxDocs } from './box-docs.js';

const ACTOR_TOKEN_LIFETIME_S = 45;
const TOKEN_TYPE = 'urn:ietf:params:oauth:token-type';

/** Somebody whom Box does not know, and who annotates. */
export interface Actor {
  /** Any id that the app tells its people apart by. */
  readonly id: string;
  /** What Box shows beside the annotations. */
  readonly name: string;
}

/** What a downscoped token may do, and on what. */
export interface DownscopeRequest {
  /** Box's scopes, such as `item_preview`. At least one. */
  readonly scopes: readonly string[];
  /** The full address of one file or folder, such as `https://api.box.com/2.0/files/12345`. */
  readonly resource?: string | undefined;
  /** A shared link, in the place of `resource`. */
  readonly sharedLink?: string | undefined;
  /**
   * Who makes annotations with the token: a person whom Box does not know, by an id of the app's own choice and a name that
   * Box shows.
   */
  readonly actor?: Actor | undefined;
  /** Whose rights are narrowed. Default: the acting user's, by a token of its own; else the app's own subject's. */
  readonly subject?: Subject | undefined;
  /** Ends the wait. */
  readonly signal?: AbortSignal | undefined;
}

type Form = Readonly<Record<string, string>>;

interface TokenExchange {
  exchange(
    makeForm: (attempt: Attempt) => Promise<Form>,
    subject: Subject,
    signal?: AbortSignal,
  ): Promise<AccessToken>;
  currentCredentials(): Promise<ParsedBoxCredentials>;
}

/** Exchanges tokens for narrower ones (RFC 8693). They are handed on, to browsers mostly: none is kept. */
export class Downscoping {
  constructor(
    private readonly tokens: TokenCache,
    private readonly endpoint: TokenExchange,
  ) {}

  /** `subject` is whose token is narrowed; undefined for the app's own. */
  async downscope(request: DownscopeRequest, subject: Subject | undefined): Promise<AccessToken> {
    const { signal } = request;
    let fields: Form;
    try {
      fields = checkedFields(request);
    } catch (error) {
      return rejected(error);
    }
    const first = await this.tokens.get({ subject, signal });
    try {
      return await this.#exchange(fields, first, request);
    } catch (error) {
      if (!(error instanceof BoxAuthError) || error.code !== 'subject_token_refused') throw error;
      this.tokens.invalidate(first);
      return this.#exchange(fields, await this.tokens.get({ subject, signal }), request);
    }
  }

  #exchange(
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
    return this.tokens.whileOpen(
      (ending) => this.endpoint.exchange(makeForm, token.subject, ending),
      signal,
    );
  }
}

/**
 * Says who annotates: https://developer.box.com/guides/authentication/tokens/annotator-tokens/. Signed with the app's key;
 * an app without one sends it unsecured (RFC 7519 section 6), as Box's own SDKs do: the subject token proves the app.
 */
async function actorToken(
  credentials: ParsedBoxCredentials,
  { id, name }: Actor,
  { number, serverNow, uniqueId }: Attempt,
): Promise<string> {
  if (credentials.kind === 'static-token') {
    throw new BoxAuthError({
      code: 'downscope_invalid',
      message: `The token cannot be downscoped for an actor: the credentials are an existing ${credentials.staticToken.name}, without a client id.`,
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
  return credentials.kind === 'key-pair'
    ? credentials.signer.sign(claims)
    : new UnsecuredJWT(claims).encode();
}

function checkedFields({
  scopes,
  resource,
  sharedLink,
  actor,
}: DownscopeRequest): Record<string, string> {
  if (actor !== undefined && (!isText(actor?.id) || !isText(actor?.name))) {
    throw invalid('actor needs an id and a name, strings that are not empty');
  }
  if (!Array.isArray(scopes) || scopes.length === 0 || !scopes.every(isScope)) {
    throw invalid('scopes must name one scope or more, such as "item_preview"');
  }
  if (resource !== undefined && sharedLink !== undefined) {
    throw invalid('resource and sharedLink are both given, and Box takes one of them');
  }
  for (const address of [resource, sharedLink]) {
    if (address !== undefined && !URL.canParse(address)) {
      throw invalid('resource and sharedLink are absolute URLs');
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

function invalid(what: string): BoxAuthError {
  return new BoxAuthError({
    code: 'downscope_invalid',
    message: `The token cannot be downscoped: ${what}.`,
    hint: 'See the scopes for downscoping in the document.',
    docs: boxDocs.downscope,
  });
}
