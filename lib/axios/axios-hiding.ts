import { PassThrough, pipeline, Readable } from 'node:stream';
import { type AxiosAdapter, type AxiosDefaults, isAxiosError } from 'axios';

/**
 * Takes the agents of the instance out of the config that comes back: they lead to every request on its way. A call that
 * is made again with the config gets them from the instance.
 */
export function withoutAgents(
  send: AxiosAdapter,
  defaults: Pick<AxiosDefaults, 'httpAgent' | 'httpsAgent'>,
): AxiosAdapter {
  return async (config) => {
    try {
      return await send(config);
    } finally {
      if (config.httpAgent === defaults.httpAgent) delete config.httpAgent;
      if (config.httpsAgent === defaults.httpsAgent) delete config.httpsAgent;
    }
  };
}

/**
 * Takes Node's request out of a response or an error, but for what people look for in it, and the headers of these names
 * (lower case) out of the request: agents and sockets still lead to it.
 */
export function hideRequest(
  holder: { request?: unknown; data?: unknown },
  names: readonly string[],
): void {
  const { request, data } = holder;
  if (isRecord(request)) {
    const { method, protocol, host, path, res } = request;
    const responseUrl = isRecord(res) ? res['responseUrl'] : undefined;
    holder.request = { method, protocol, host, path, res: { responseUrl } };
    forgetHeaders(request, names);
  }
  if (data instanceof Readable) holder.data = detached(data, names);
}

/** The content of a stream of Node, without the way to its request. So are the errors that it ends with. */
function detached(source: Readable, names: readonly string[]): Readable {
  source.on('error', (error) => {
    if (isAxiosError(error)) hideRequest(error, names);
  });
  return pipeline(source, new PassThrough(), () => undefined);
}

/** What was sent once is not needed again. Of HTTP/1 it is a text and a record, of HTTP/2 a record. */
function forgetHeaders(request: unknown, names: readonly string[]): void {
  if (!isRecord(request)) return;
  const text = request['_header'];
  if (typeof text === 'string') {
    const stays = (line: string) => !names.includes(line.split(':', 1).join('').toLowerCase());
    request['_header'] = text.split('\r\n').filter(stays).join('\r\n');
  }
  deleteFrom(ofSymbol(request, 'kOutHeaders'), names);
  deleteFrom(ofSymbol(request, 'sent-headers'), names);
  // TLS keeps the options of the request that has opened the connection.
  deleteFrom(partOf(ofSymbol(request['socket'], 'connect-options'), 'headers'), names);
  // follow-redirects has a request of its own around that of each hop.
  const { _redirectable: around, _currentRequest: current } = request;
  deleteFrom(partOf(partOf(around ?? request, '_options'), 'headers'), names);
  forgetHeaders(current, names);
}

function ofSymbol(holder: unknown, description: string): unknown {
  if (!isRecord(holder)) return undefined;
  const symbols = Object.getOwnPropertySymbols(holder);
  const symbol = symbols.find((each) => each.description === description);
  return symbol === undefined ? undefined : holder[symbol];
}

function partOf(holder: unknown, name: string): unknown {
  return isRecord(holder) ? holder[name] : undefined;
}

function deleteFrom(headers: unknown, names: readonly string[]): void {
  if (!isRecord(headers)) return;
  for (const name of Object.keys(headers)) {
    if (names.includes(name.toLowerCase())) delete headers[name];
  }
}

function isRecord(value: unknown): value is Record<string | symbol, unknown> {
  return typeof value === 'object' && value !== null;
}
