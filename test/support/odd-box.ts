import { generateKeyPairSync } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import {
  constants,
  createSecureServer,
  Http2ServerRequest,
  type Http2ServerResponse,
  type ServerHttp2Session,
} from 'node:http2';
import type { AddressInfo, Socket } from 'node:net';
import { selfSignedCertificate } from '../../lib/cli/keygen/self-signed-certificate.js';

type Request = IncomingMessage | Http2ServerRequest;
type Response = ServerResponse | Http2ServerResponse;

/** A server that grants a token, and ends calls in every way that a client can experience. */
export interface OddBox {
  readonly url: string;
  /** Resolves once a call to /hang has arrived. */
  hanging(): Promise<void>;
  stop(): Promise<void>;
}

/** The path decides how a call ends. The caller has to abort `/hang`. */
export const ODD_PATHS = [
  '/200',
  '/403',
  '/404',
  '/moved',
  '/left',
  '/hang-up',
  '/cut-off',
  '/garbage',
  '/hang',
];

export async function startOddBox(protocol: 'http' | 'h2', token: string): Promise<OddBox> {
  const waiting: (() => void)[] = [];
  const respond = (request: Request, response: Response): void => {
    const path = request.url ?? '';
    const send = (status: number, headers: Record<string, string> = {}, body = '{}') => {
      response.writeHead(status, { 'content-type': 'application/json', ...headers });
      response.end(body);
    };
    if (path === '/oauth2/token')
      send(200, {}, JSON.stringify({ access_token: token, expires_in: 3600 }));
    else if (path === '/moved') send(302, { location: '/200' });
    else if (path === '/left')
      send(302, { location: 'http://127.0.0.1:9/' }); // No process listens there.
    else if (path === '/hang-up') hangUp(request);
    else if (path === '/garbage') breakProtocol(request);
    else if (path === '/hang') for (const arrived of waiting.splice(0)) arrived();
    else if (path === '/cut-off') {
      response.writeHead(200, { 'content-length': '100' });
      (response as ServerResponse).write('{', () => breakOff(request));
    } else send(Number(path.slice(1)));
  };
  const server =
    protocol === 'http'
      ? createServer(respond)
      : createSecureServer({ ...certificate(), allowHTTP1: true }, respond);
  const open = new Set<Socket | ServerHttp2Session>();
  for (const event of ['connection', 'session']) {
    server.on(event, (connection: Socket | ServerHttp2Session) => {
      connection.on('error', () => undefined);
      open.add(connection);
    });
  }
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo;
  return {
    url: `${protocol === 'http' ? 'http' : 'https'}://127.0.0.1:${port}`,
    hanging: () => new Promise((resolve) => waiting.push(resolve)),
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const connection of open) connection.destroy();
      }),
  };
}

function hangUp(request: Request): void {
  if (request instanceof Http2ServerRequest) request.stream.close(constants.NGHTTP2_REFUSED_STREAM);
  else request.socket.destroy();
}

function breakOff(request: Request): void {
  if (request instanceof Http2ServerRequest) request.stream.close(constants.NGHTTP2_INTERNAL_ERROR);
  else request.socket.destroy();
}

function breakProtocol(request: Request): void {
  if (request instanceof Http2ServerRequest) request.stream.close(constants.NGHTTP2_PROTOCOL_ERROR);
  else request.socket.end('not HTTP');
}

let cached: { readonly key: string; readonly cert: string } | undefined;

function certificate(): { readonly key: string; readonly cert: string } {
  cached ??= newCertificate();
  return cached;
}

function newCertificate(): { readonly key: string; readonly cert: string } {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const details = { privateKey, commonName: '127.0.0.1', notBefore: Date.now() - 60_000, days: 1 };
  const key = privateKey.export({ type: 'pkcs8', format: 'pem' });
  return { key: String(key), cert: selfSignedCertificate(details) };
}
