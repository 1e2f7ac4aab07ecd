import { PassThrough, pipeline, Readable } from 'node:stream';
import { type AxiosRequestConfig, isAxiosError } from 'axios';

/** The symbols of the headers that a request of Node has sent. */
const SENT_HEADERS: ReadonlySet<string> = new Set(['kOutHeaders', 'sent-headers']);

type Agents = Pick<AxiosRequestConfig, 'httpAgent' | 'httpsAgent'>;

/**
 * Deletes the agents of the instance from a config that is returned. Agents refer to all requests in flight, and so to their
 * tokens. A call that is repeated with the config gets the agents from the instance.
 */
export function stripAgents(config: Agents, defaults: Agents): void {
  if (config.httpAgent === defaults.httpAgent) delete config.httpAgent;
  if (config.httpsAgent === defaults.httpsAgent) delete config.httpsAgent;
}

/**
 * Replaces Node's request in a response or an error by its most useful fields, so that the token cannot be read from it.
 * Also deletes the headers with these names (lower case) from the request itself, which agents and sockets still refer to.
 */
export function stripRequest(
  holder: { request?: unknown; data?: unknown },
  names: readonly string[],
): void {
  const { request, data } = holder;
  if (isRecord(request)) {
    const { method, protocol, host, path, res } = request;
    const responseUrl = isRecord(res) ? res['responseUrl'] : undefined;
    holder.request = { method, protocol, host, path, res: { responseUrl } };
    deleteHeaders(request, names);
  }
  if (data instanceof Readable) holder.data = detached(data, names);
}

/** Returns a stream with the same content and no reference to the request. Strips the errors of `source`, too. */
function detached(source: Readable, names: readonly string[]): Readable {
  source.on('error', (error) => {
    if (isAxiosError(error)) stripRequest(error, names);
  });
  return pipeline(source, new PassThrough(), () => undefined);
}

/** Deletes headers that have been sent. HTTP/1 keeps them as a text and as a record, HTTP/2 as a record. */
function deleteHeaders(request: unknown, names: readonly string[]): void {
  if (!isRecord(request)) return;
  const text = request['_header'];
  if (typeof text === 'string') request['_header'] = withoutLines(text, names);
  for (const symbol of Object.getOwnPropertySymbols(request)) {
    if (SENT_HEADERS.has(symbol.description ?? '')) deleteNames(request[symbol], names);
  }
  // TLS keeps the options of the request that opened the connection.
  deleteNames(propertyOf(symbolPropertyOf(request['socket'], 'connect-options'), 'headers'), names);
  // follow-redirects wraps the request of each hop in one of its own.
  const { _redirectable: wrapper, _currentRequest: current } = request;
  deleteNames(propertyOf(propertyOf(wrapper ?? request, '_options'), 'headers'), names);
  deleteHeaders(current, names);
}

/** Removes the lines of headers. Not with a pattern: `RegExp.input` would keep the text. */
function withoutLines(text: string, names: readonly string[]): string {
  const isKept = (line: string) => !names.includes(line.slice(0, line.indexOf(':')).toLowerCase());
  return text.split('\r\n').filter(isKept).join('\r\n');
}

function symbolPropertyOf(holder: unknown, description: string): unknown {
  if (!isRecord(holder)) return undefined;
  const symbols = Object.getOwnPropertySymbols(holder);
  const symbol = symbols.find((each) => each.description === description);
  return symbol === undefined ? undefined : holder[symbol];
}

function propertyOf(holder: unknown, name: string): unknown {
  return isRecord(holder) ? holder[name] : undefined;
}

function deleteNames(headers: unknown, names: readonly string[]): void {
  if (!isRecord(headers)) return;
  for (const name of Object.keys(headers)) {
    if (names.includes(name.toLowerCase())) delete headers[name];
  }
}

function isRecord(value: unknown): value is Record<string | symbol, unknown> {
  return typeof value === 'object' && value !== null;
}
