import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type ServerResponse,
} from 'node:http';

/** A request that a server received. */
export interface Arrived {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** A real server on loopback that records its requests. It plays hosts other than Box. */
export interface LoopbackServer {
  readonly url: string;
  readonly arrived: Arrived[];
  stop(): Promise<void>;
}

export async function startServer(
  respond: (request: Arrived, response: ServerResponse) => void,
): Promise<LoopbackServer> {
  const arrived: Arrived[] = [];
  const server = createServer((request, response) => {
    void readAll(request).then(
      (body) => {
        const seen = {
          method: request.method ?? '',
          path: request.url ?? '',
          headers: request.headers,
          body,
        };
        arrived.push(seen);
        respond(seen, response);
      },
      () => undefined, // The client aborted the request.
    );
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('The server has no port.');
  return {
    url: `http://127.0.0.1:${address.port}`,
    arrived,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function readAll(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(Buffer.from(chunk as Uint8Array));
  return Buffer.concat(chunks).toString('utf8');
}
