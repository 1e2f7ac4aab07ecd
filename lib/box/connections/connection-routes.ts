import type { IncomingHttpHeaders } from 'node:http';
import { checkedOwner, checkedReturnTo } from '../../core/connections/owner.js';
import { stateInvalid } from '../../core/connections/sign-in-errors.js';
import { BoxAuthError } from '../../core/errors/box-auth.error.js';
import type { FailureLog } from '../../core/errors/failure-log.js';
import { gatewayResponse, retryAfterSeconds } from '../../core/errors/gateway-response.js';
import type { MaybePromise } from '../../core/runtime/maybe-promise.js';
import { BindingCookie } from './binding-cookie.js';
import type { BoxConnections } from './box-connections.js';
import { FOREIGN_SITE, PAGE_HEADERS, renderPage, textFor } from './connection-pages.js';
import { prefixOf, type RouteName, type RoutePaths } from './connection-routes.options.js';
import { isSameOrigin } from './same-origin.js';

/** A request to one of the routes. */
export interface RouteRequest {
  readonly method: string;
  /** With the query. */
  readonly url: string;
  /** By their names in lower case. */
  readonly headers: IncomingHttpHeaders;
}

/** The response that a framework sends. */
export interface RouteResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** The value of a `set-cookie` header, to be sent next to those of the app. */
  readonly cookie?: string;
  readonly body: string;
}

/** Returns the owner of a request. */
type OwnerOf = () => MaybePromise<unknown>;

/** The URL of the callback has the code in it: it must not be stored, and no other site may get it as the referrer. */
const HEADERS = {
  'cache-control': 'no-store',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
} as const;

const METHODS: Readonly<Record<RouteName, string>> = {
  connect: 'GET',
  callback: 'GET',
  disconnect: 'POST',
};

/** The routes with which people connect and disconnect their accounts, independent of the framework. */
export class ConnectionRoutes {
  /** Where a browser begins a sign-in. */
  readonly connectUrl: string;
  readonly #prefix: string;
  readonly #cookie: BindingCookie;

  /** @throws BoxAuthError `option_invalid` if `redirectUri` does not lead to the callback */
  constructor(
    private readonly connections: Pick<
      BoxConnections,
      'authorizationUrl' | 'complete' | 'disconnect'
    >,
    paths: RoutePaths,
    private readonly redirectUri: string,
    private readonly log: FailureLog,
  ) {
    this.#prefix = prefixOf(redirectUri, paths) ?? '';
    this.connectUrl = `${this.#prefix}${paths.connect}`;
    this.#cookie = new BindingCookie(redirectUri);
  }

  /** Rejects only if `ownerOf` does, or for an error in the code. */
  async respond(route: RouteName, request: RouteRequest, ownerOf: OwnerOf): Promise<RouteResponse> {
    const allowed = METHODS[route];
    if (request.method !== allowed) {
      return { status: 405, headers: { ...HEADERS, allow: allowed }, body: '' };
    }
    if (route === 'disconnect' && !isSameOrigin(request.headers, this.redirectUri)) {
      return this.#foreignSite(request);
    }
    const owner = await ownerOf();
    try {
      return await this.#respond(route, request, checkedOwner(owner ?? ''));
    } catch (error) {
      if (!(error instanceof BoxAuthError)) throw error;
      return this.#failure(error, request, route);
    }
  }

  async #respond(route: RouteName, request: RouteRequest, owner: string): Promise<RouteResponse> {
    if (route === 'connect') return this.#connect(request, owner);
    return route === 'callback' ? this.#complete(request, owner) : this.#disconnect(request, owner);
  }

  async #connect(request: RouteRequest, owner: string): Promise<RouteResponse> {
    const binding = this.#cookie.read(header(request, 'cookie')) ?? this.#cookie.create();
    const returnTo = returnToOf(request);
    const location = await this.connections.authorizationUrl({ owner, binding, returnTo });
    return { ...redirect(302, location), cookie: this.#cookie.write(binding) };
  }

  async #complete(request: RouteRequest, owner: string): Promise<RouteResponse> {
    const binding = this.#cookie.read(header(request, 'cookie'));
    if (binding === undefined) throw stateInvalid('this browser has not begun a sign-in');
    const query = queryOf(request);
    const { returnTo } = await this.connections.complete({ query, binding, owner });
    return redirect(302, returnTo ?? this.#home);
  }

  async #disconnect(request: RouteRequest, owner: string): Promise<RouteResponse> {
    const returnTo = returnToOf(request);
    const { revoked } = await this.connections.disconnect(owner);
    return accepts(request, 'html')
      ? redirect(303, returnTo ?? this.#home)
      : json(200, { revoked });
  }

  #failure(error: BoxAuthError, request: RouteRequest, route: RouteName): RouteResponse {
    const body = gatewayResponse(error);
    this.log.write(error, body);
    const { connectUrl } = this;
    const retryAfter = retryAfterSeconds(error);
    const response = wantsPage(request, route)
      ? page(body.statusCode, renderPage(textFor(error), connectUrl))
      : json(body.statusCode, { ...body, code: error.code, connectUrl });
    return retryAfter === undefined
      ? response
      : { ...response, headers: { ...response.headers, 'retry-after': retryAfter } };
  }

  #foreignSite(request: RouteRequest): RouteResponse {
    const { title: message } = FOREIGN_SITE;
    return wantsPage(request, 'disconnect')
      ? page(403, renderPage(FOREIGN_SITE, this.connectUrl))
      : json(403, { statusCode: 403, message: `${message}.`, error: 'Forbidden' });
  }

  get #home(): string {
    return `${this.#prefix}/`;
  }
}

/** Browsers ask for HTML when a person follows a link, and scripts for JSON if they ask for anything. */
function wantsPage(request: RouteRequest, route: RouteName): boolean {
  if (accepts(request, 'html')) return true;
  return route !== 'disconnect' && !accepts(request, 'json');
}

function accepts(request: RouteRequest, subtype: 'html' | 'json'): boolean {
  return new RegExp(`/(?:[\\w.-]+\\+)?${subtype}\\b`, 'i').test(header(request, 'accept') ?? '');
}

/** @throws BoxAuthError `return_to_invalid` */
function returnToOf(request: RouteRequest): string | undefined {
  const values = queryOf(request).getAll('returnTo');
  return checkedReturnTo(values.length > 1 ? values : values[0]);
}

function queryOf({ url }: RouteRequest): URLSearchParams {
  const start = url.indexOf('?');
  return new URLSearchParams(start === -1 ? '' : url.slice(start));
}

function header({ headers }: RouteRequest, name: string): string | undefined {
  const value = headers[name];
  return typeof value === 'string' ? value : undefined;
}

/** Encodes only what a header cannot contain: a URL parser would turn "/.//host" into "//host". */
function redirect(status: number, address: string): RouteResponse {
  const location = address.replace(/[^\x21-\x7e]/gu, encodeURIComponent);
  return { status, headers: { ...HEADERS, location }, body: '' };
}

function page(status: number, body: string): RouteResponse {
  return { status, headers: { ...HEADERS, ...PAGE_HEADERS }, body };
}

function json(status: number, body: object): RouteResponse {
  const headers = { ...HEADERS, 'content-type': 'application/json; charset=utf-8' };
  return { status, headers, body: JSON.stringify(body) };
}
