import { setMaxListeners } from 'node:events';
import { LoopbackServer, type RequestListener } from './loopback-server.js';

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
