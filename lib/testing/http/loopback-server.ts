import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';

export type RequestListener = (request: IncomingMessage, response: ServerResponse) => Promise<void>;

const LOOPBACK = '127.0.0.1';

/** An HTTP server that only this machine reaches. */
export class LoopbackServer {
  readonly url: string;
  readonly #server: Server;

  static async listen(port: number, listener: RequestListener): Promise<LoopbackServer> {
    const server = createServer((request, response) => {
      listener(request, response).catch((error: unknown) => {
        answerFailure(response, error);
      });
    });
    // A short one would reset connections that a client is just about to use again.
    server.keepAliveTimeout = 60_000;
    server.listen(port, LOOPBACK);
    await once(server, 'listening');
    return new LoopbackServer(server);
  }

  private constructor(server: Server) {
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('No TCP address.');
    this.url = `http://${LOOPBACK}:${address.port}`;
    this.#server = server;
  }

  async stop(): Promise<void> {
    if (!this.#server.listening) return;
    const closed = once(this.#server, 'close');
    this.#server.close();
    this.#server.closeAllConnections();
    await closed;
  }
}

function answerFailure(response: ServerResponse, error: unknown): void {
  // The failure is then that the client left, and nobody waits for an answer.
  if (response.destroyed) return;
  if (response.headersSent) {
    response.destroy();
    return;
  }
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  response.writeHead(500, { 'content-type': 'text/plain; charset=utf-8' });
  response.end(`The emulator itself failed, not what it emulates: ${text}\n`);
}
