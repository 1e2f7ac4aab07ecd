import { setMaxListeners, once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';

interface Origin {
  readonly serve: RequestListener;
}

/** The two origins of an emulator, listening, and the end of both. */
export class EmulatorServers<ApiOrigin extends Origin> {
  readonly url: string;
  readonly downloadUrl: string;
  readonly api: ApiOrigin;
  readonly #servers: readonly LoopbackServer[];
  readonly #stopping: AbortController;
  #stopped: Promise<void> | undefined;

  /** Starts the downloads first: the API, on `port`, must know where they are. */
  static async listen<ApiOrigin extends Origin>(
    port: number,
    origins: (stopSignal: AbortSignal) => {
      readonly downloads: Origin;
      readonly api: (downloadUrl: string) => ApiOrigin;
    },
  ): Promise<EmulatorServers<ApiOrigin>> {
    const stopping = new AbortController();
    // Every request that is held listens to it.
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

  /** Closes every connection, whatever is under way. Calling it again changes nothing. */
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
