import { type HttpAnswer, oauthError } from '../http/http-response.js';
import { decodeClaims } from '../http/jwt.js';
import type { ItemReference, TokenRestriction } from '../http/token-ledger.js';
import { KNOWN_SCOPES } from './api/scopes.js';

const TOKEN_TYPE = 'urn:ietf:params:oauth:token-type:';
export const ACCESS_TOKEN_TYPE = `${TOKEN_TYPE}access_token`;

const ITEM_PATH = /^\/2\.0\/(file|folder)s\/([0-9]{1,20})$/;

export type DownscopeRequest =
  { readonly restriction: TokenRestriction } | { readonly refusal: HttpAnswer };

/** Reads and checks the parameters of a token exchange (RFC 8693). */
export function readDownscope(
  fields: ReadonlyMap<string, string>,
  rules: {
    readonly clientId: string;
    readonly nowMs: number;
    readonly parent: TokenRestriction | undefined;
    isVisible(item: ItemReference): boolean;
  },
): DownscopeRequest {
  const scope = fields.get('scope');
  const resource = fields.get('resource');
  const sharedLink = fields.get('box_shared_link');
  if (scope === undefined) return refuse('invalid_request', 'The scope parameter is required.');
  if (!scope.split(' ').every((name) => KNOWN_SCOPES.has(name))) {
    return refuse('invalid_scope', 'The requested scope is invalid.');
  }
  if (resource !== undefined && sharedLink !== undefined) {
    return refuse('invalid_request', 'Either resource or box_shared_link, not both.');
  }

  const item = resource === undefined ? undefined : itemOf(resource);
  // Box sends the same response for an invalid URL and for an item that the subject cannot see.
  if (resource !== undefined && (!item || !rules.isVisible(item))) {
    return refuse('invalid_resource', 'The target resource is invalid.');
  }
  if (sharedLink !== undefined && !URL.canParse(sharedLink)) {
    return refuse('invalid_resource', 'The target resource is invalid.');
  }

  const actorRefusal = checkActor(fields, rules);
  if (actorRefusal) return { refusal: actorRefusal };

  const restriction = {
    scopes: scope.split(' '),
    ...(item && { item }),
    ...(sharedLink !== undefined && { sharedLink }),
  };
  return rules.parent && isWider(restriction, rules.parent)
    ? refuse('invalid_scope', 'The requested scope exceeds that of the subject token.')
    : { restriction };
}

function itemOf(resource: string): ItemReference | undefined {
  if (!URL.canParse(resource)) return undefined;
  const [, type, id] = ITEM_PATH.exec(new URL(resource).pathname) ?? [];
  return id !== undefined && (type === 'file' || type === 'folder') ? { type, id } : undefined;
}

function isWider(requested: TokenRestriction, parent: TokenRestriction): boolean {
  if (requested.scopes.some((scope) => !parent.scopes.includes(scope))) return true;
  const { item, sharedLink } = parent;
  return Boolean(
    (item && (requested.item?.type !== item.type || requested.item.id !== item.id)) ||
    (sharedLink && requested.sharedLink !== sharedLink),
  );
}

/** Checks the claims of the annotator's token. Box's SDKs send it unsigned (`alg` none), so there is no signature to verify. */
function checkActor(
  fields: ReadonlyMap<string, string>,
  rules: { readonly clientId: string; readonly nowMs: number },
): HttpAnswer | undefined {
  const actorToken = fields.get('actor_token');
  if (actorToken === undefined) return undefined;
  if (fields.get('actor_token_type') !== `${TOKEN_TYPE}id_token`) {
    return oauthError('invalid_request', 'Please check the actor_token_type parameter.');
  }
  const claims = decodeClaims(actorToken);
  const isValid =
    claims?.iss === rules.clientId &&
    typeof claims.sub === 'string' &&
    claims.box_sub_type === 'external' &&
    typeof claims.exp === 'number' &&
    claims.exp * 1000 > rules.nowMs;
  return isValid ? undefined : oauthError('invalid_grant', 'Please check the actor_token.');
}

function refuse(error: string, description: string): DownscopeRequest {
  return { refusal: oauthError(error, description) };
}
