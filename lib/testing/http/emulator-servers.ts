import { once, setMaxListeners } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';

interface Origin {
  readonly serve: RequestListener;
}

/** The two listening servers of an emulator. */
export class EmulatorServers<ApiOrigin extends Origin> {
  readonly url: string;
  readonly downloadUrl: string;
  readonly api: ApiOrigin;
  readonly #servers: readonly LoopbackServer[];
  readonly #stopping: AbortController;
  #stopped: Promise<void> | undefined;

  /** Starts the download server first: the API server, on `port`, needs its URL. */
  static async listen<ApiOrigin extends Origin>(
    port: number,
    origins: (stopSignal: AbortSignal) => {
      readonly downloads: Origin;
      readonly api: (downloadUrl: string) => ApiOrigin;
    },
  ): Promise<EmulatorServers<ApiOrigin>> {
    const stopping = new AbortController();
    // Every held request listens to the signal.
    setMaxListeners(0, stopping.signal);
    const { downloads, api: apiFor } = origins(stopping.signal);
    const downloadServer = await LoopbackServer.listen(0, (...args) => downloads.serve(...args));
    const api = apiFor(downloadServer.url);
    const apiServer = await LoopbackServer.listen(port, (...args) => api.serve(...args)).catch(
      async (error: unknown) => {
        await downloadServer.stop();
        throw error;
      },
    );
    return new EmulatorServers(api, apiServer, downloadServer, stopping);
  }

  private constructor(
    api: ApiOrigin,
    apiServer: LoopbackServer,
    downloadServer: LoopbackServer,
    stopping: AbortController,
  ) {
    this.api = api;
    this.url = apiServer.url;
    this.downloadUrl = downloadServer.url;
    this.#servers = [apiServer, downloadServer];
    this.#stopping = stopping;
  }

  /** Closes both servers and every open connection. Calling it again has no effect. */
  stop(): Promise<void> {
    this.#stopped ??= this.#close();
    return this.#stopped;
  }

  async #close(): Promise<void> {
    this.#stopping.abort();
    await Promise.all(this.#servers.map((server) => server.stop()));
  }
}

export type RequestListener = (request: IncomingMessage, response: ServerResponse) => Promise<void>;

const LOOPBACK = '127.0.0.1';

/** An HTTP server on the loopback interface. */
export class LoopbackServer {
  readonly url: string;
  readonly #server: Server;

  static async listen(port: number, listener: RequestListener): Promise<LoopbackServer> {
    const server = createServer((request, response) => {
      listener(request, response).catch((error: unknown) => {
        sendServerError(response, error);
      });
    });
    // A shorter timeout could reset a connection that a client is about to reuse.
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

function sendServerError(response: ServerResponse, error: unknown): void {
  // The client has disconnected, so no response can be sent.
  if (response.destroyed) return;
  if (response.headersSent) {
    response.destroy();
    return;
  }
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  response.writeHead(500, { 'content-type': 'text/plain; charset=utf-8' });
  response.end(`The emulator failed internally: ${text}\n`);
}
