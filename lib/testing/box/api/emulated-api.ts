import type { HttpAnswer } from '../../http/http-response.js';
import { bearerChallenge, boxError, notFound } from '../box-responses.js';
import {
  type ApiCall,
  type ApiContext,
  ApiRefusal,
  type ApiRoute,
  type RouteCall,
} from './api-route.js';
import { apiRoutes } from './api-routes.js';

type Endpoint = `${ApiRoute['method']} ${ApiRoute['path']}`;

interface CompiledRoute {
  readonly route: ApiRoute;
  readonly pattern: RegExp;
}

/** Finds the route of a request, and checks that a downscoped token may use it. */
export class EmulatedApi {
  readonly #context: ApiContext;
  readonly #routes: readonly CompiledRoute[];

  constructor(context: ApiContext) {
    this.#context = context;
    // A path without parameters takes precedence: `/files/content` over `/files/:id`.
    this.#routes = apiRoutes(context)
      .map((route) => ({ route, pattern: patternOf(route) }))
      .toSorted((a, b) => parametersIn(a.route) - parametersIn(b.route));
  }

  /** The names of all endpoints, such as `GET /2.0/files/:id`. */
  get endpoints(): readonly Endpoint[] {
    return this.#routes.map(({ route }) => nameOf(route));
  }

  endpointOf(method: string, pathname: string): Endpoint | undefined {
    const found = this.#routesAt(pathname).find(({ route }) => route.method === method);
    return found && nameOf(found.route);
  }

  async respond(call: ApiCall): Promise<HttpAnswer> {
    const { pathname } = call.url;
    const atPath = this.#routesAt(pathname);
    if (atPath.length === 0) return notFound();
    const found = atPath.find(({ route }) => route.method === call.method);
    const [, id = '', versionId = ''] = found?.pattern.exec(pathname) ?? [];
    // Box responds with a 405 to an id that is not a number.
    if (!found || (found.route.item && !/^\d+$/.test(id))) {
      const allow = atPath.map(({ route }) => route.method).join(', ');
      return boxError(405, 'method_not_allowed', 'Method Not Allowed', { headers: { allow } });
    }
    const { route } = found;
    const routeCall = { ...call, id, versionId };
    if (!this.#isWithinScope(route, routeCall)) return bearerChallenge(403, 'insufficient_scope');
    try {
      return await route.respond(routeCall);
    } catch (error) {
      if (error instanceof ApiRefusal) return error.answer;
      throw error;
    }
  }

  #routesAt(pathname: string): readonly CompiledRoute[] {
    const path = this.#routes.find(({ pattern }) => pattern.test(pathname))?.route.path;
    return this.#routes.filter(({ route }) => route.path === path);
  }

  #isWithinScope({ scopes, item: type }: ApiRoute, { id, caller }: RouteCall): boolean {
    const { restriction } = caller.token;
    if (!restriction) return true;
    if (!restriction.scopes.some((scope) => scopes.includes(scope))) return false;
    const { item } = restriction;
    if (!item || !type) return true;
    return (
      (item.type === type && item.id === id) ||
      (item.type === 'folder' &&
        this.#context.drive.isWithin({ type, id }, item.id, caller.user.id))
    );
  }
}

function nameOf({ method, path }: ApiRoute): Endpoint {
  return `${method} ${path}`;
}

function parametersIn({ path }: ApiRoute): number {
  return path.split(':').length - 1;
}

function patternOf({ path }: ApiRoute): RegExp {
  return new RegExp(`^${path.replaceAll('.', '\\.').replaceAll(/:\w+/g, '([^/]+)')}$`);
}
