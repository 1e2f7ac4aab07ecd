import type { IncomingMessage, ServerResponse } from 'node:http';

/**
 * Serves a resource that a test adds with `route`. The request body is not read yet. `Date`, and `box-request-id` for Box,
 * are already set on the response. The result is awaited; an error becomes a 500.
 */
export type RouteHandler = (request: IncomingMessage, response: ServerResponse) => unknown;

/** The resources that a test has added to an emulator. */
export class Routes {
  readonly #handlers = new Map<string, RouteHandler>();

  add(method: string, pathname: string, handler: RouteHandler): void {
    this.#handlers.set(`${method.toUpperCase()} ${pathname}`, handler);
  }

  find(method: string, pathname: string): RouteHandler | undefined {
    return this.#handlers.get(`${method} ${pathname}`);
  }
}
