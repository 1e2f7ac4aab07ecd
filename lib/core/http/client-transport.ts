/** Replaces the transport of HTTP clients: it receives every call, to any host. `FakeBox` has one. */
export interface ClientTransport {
  readonly fetch: typeof fetch;
  /** Adapts an adapter over `fetch` for a client that expects Node's streams and Buffers. */
  withNodeData<Config, Response extends { data: unknown }>(
    send: (config: Config) => Promise<Response>,
  ): (config: Config) => Promise<Response>;
}
