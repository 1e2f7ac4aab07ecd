import { BoxAuthError } from '../errors/box-auth.error.js';
import type { Fetch } from '../token-endpoint/issuer.js';
import { isLoopback } from './url-rules.js';

/** The global `fetch`, looked up at each call: a proxy agent or an instrumentation may replace it later. */
export const globalFetch: typeof fetch = (input, init) => fetch(input, init);

/** Creates the `fetch` of token requests: it never sends secrets through a plain-http proxy. */
export function directFetch(send: typeof fetch): Fetch {
  return async (url, init) => {
    const refusal = proxyRefusal(new URL(url), send);
    if (refusal !== undefined) throw refusal;
    return send(url, init);
  };
}

/**
 * Returns an error if the environment names a proxy for a plain-http call, because the proxy would read the call. Plain http
 * is allowed to loopback only. Only the global `fetch` shows whether it uses the proxy.
 */
export function proxyRefusal(url: URL, send?: typeof fetch): BoxAuthError | undefined {
  if (!isPlainLoopback(url) || !isProxiedByEnvironment(url)) return undefined;
  if (send === globalFetch && !hasProxyDispatcher()) return undefined;
  return new BoxAuthError({
    code: 'option_invalid',
    message: `The call to ${url.origin} was not sent: HTTP_PROXY names a proxy, which would see its secrets in clear text.`,
    hint: `Add ${url.hostname} to NO_PROXY.`,
    docs: 'https://undici.nodejs.org/#/docs/api/EnvHttpProxyAgent',
  });
}

export function isPlainLoopback({ protocol, hostname }: URL): boolean {
  return protocol === 'http:' && isLoopback(hostname);
}

/** Whether the environment names a proxy for this URL, by the rules of undici's EnvHttpProxyAgent. */
function isProxiedByEnvironment({ hostname, port }: URL): boolean {
  const { env } = process;
  if (!(env['http_proxy'] ?? env['HTTP_PROXY'])) return false;
  const noProxy = env['no_proxy'] ?? env['NO_PROXY'] ?? '';
  if (noProxy === '*') return false;
  return !noProxy.split(/[,\s]+/).some((entry) => {
    const [, entryHost = '', entryPort] =
      /^(?:\*?\.)?(.*?)(?::(\d+))?$/.exec(entry.toLowerCase()) ?? [];
    const matchesPort = entryPort === undefined || entryPort === (port || '80');
    return (
      matchesPort &&
      entryHost !== '' &&
      (hostname === entryHost || hostname.endsWith(`.${entryHost}`))
    );
  });
}

/** Whether the global `fetch` uses a proxy, for example by NODE_USE_ENV_PROXY. undici 8 has its own global dispatcher. */
function hasProxyDispatcher(): boolean {
  return ['1', '2'].some((version) => {
    const dispatcher: unknown = Reflect.get(
      globalThis,
      Symbol.for(`undici.globalDispatcher.${version}`),
    );
    return dispatcher instanceof Object && isProxyAgent(dispatcher);
  });
}

/** All proxy agents of undici have symbols such as `no proxy agent`. Class names are no proof: minifiers change them. */
function isProxyAgent(dispatcher: object): boolean {
  return Object.getOwnPropertySymbols(dispatcher).some(
    ({ description }) => description?.includes('proxy') === true,
  );
}
