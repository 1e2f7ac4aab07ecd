import {
  type AxiosAdapter,
  getAdapter,
  type InternalAxiosRequestConfig,
  isAxiosError,
} from 'axios';
import { BoxAuthError } from '../core/errors/box-auth.error.js';
import { urlOf } from './request-url.js';

type Config = InternalAxiosRequestConfig;
type Environment = NonNullable<Config['env']>;

/** Whether axios uses its fetch adapter on Node: by name or as a function, alone or as the first usable entry of a list. */
export function isFetchAdapter(adapter: Config['adapter']): boolean {
  if (typeof adapter === 'function') return adapter === getAdapter('fetch');
  const first = [adapter].flat().find((each) => String(each).toLowerCase() !== 'xhr');
  return typeof first === 'string'
    ? first.toLowerCase() === 'fetch'
    : first === getAdapter('fetch');
}

/**
 * Creates the fetch adapter of axios with another `fetch` for the calls whose URL `accepts` returns true for. `fetchOver`
 * returns that `fetch`; its argument is the one of the option `env`.
 */
export function fetchAdapter(
  fetchOver: (appFetch: typeof fetch | undefined) => typeof fetch,
  accepts: (url: URL) => boolean = () => true,
): AxiosAdapter {
  const environmentOf = environments(fetchOver);
  return async (config) => {
    const url = urlOf(config);
    if (url === undefined || !accepts(url)) return getAdapter('fetch', config)(config);
    try {
      return await getAdapter('fetch', { env: environmentOf(config.env) })(config);
    } catch (error) {
      throw isAxiosError(error) && error.cause instanceof BoxAuthError ? error.cause : error;
    }
  };
}

type RequestClass = NonNullable<Environment['Request']>;

/** The init that each Request of axios was made with. The body of a Request is a stream, which can be sent only once. */
const initOf = new WeakMap<object, RequestInit>();

/** Returns a Request class that remembers its init. */
const rememberingRequest = memoized(
  (Base: RequestClass): RequestClass =>
    class Request extends Base {
      constructor(...[input, init]: ConstructorParameters<RequestClass>) {
        super(input, init);
        if (init !== undefined) initOf.set(this, init);
      }
    },
);

/** Calls `send` with the address and the init of a Request. */
function withInit(send: typeof fetch): typeof fetch {
  return (input, init) => {
    if (typeof input === 'string' || input instanceof URL) return send(input, init);
    const remembered = initOf.get(input);
    return remembered === undefined ? send(input, init) : send(input.url, remembered);
  };
}

/** axios creates an adapter for each combination of `fetch` and Request, and keeps it: each of ours is created once. */
function environments(
  fetchOver: (appFetch: typeof fetch | undefined) => typeof fetch,
): (env: Environment | undefined) => Environment {
  const defaultFetch = withInit(fetchOver(undefined));
  const fetchOverAppFetch = memoized((appFetch: typeof fetch) => withInit(fetchOver(appFetch)));
  return (env = {}) => {
    const { fetch: appFetch, Request: AppRequest = Request } = env;
    return {
      ...env,
      fetch: appFetch === undefined ? defaultFetch : fetchOverAppFetch(appFetch),
      // With null, axios calls `fetch` with an address instead of a Request.
      Request: AppRequest && rememberingRequest(AppRequest),
    };
  };
}

function memoized<Key extends object, Value>(create: (key: Key) => Value): (key: Key) => Value {
  const values = new WeakMap<Key, Value>();
  return (key) => {
    const known = values.get(key);
    if (known !== undefined) return known;
    const value = create(key);
    values.set(key, value);
    return value;
  };
}
