import type { ConnectionsApp } from './connections-app.js';

// Symbol.for: one process may load the ES module and the CommonJS build.
export const APP: unique symbol = Symbol.for('nestjs-box-auth.ConnectionsApp');

/** The app behind a `BoxConnections`. Undefined if a test replaced it by an object with only its methods. */
export function connectionsAppOf(connections: {
  readonly [APP]?: ConnectionsApp;
}): ConnectionsApp | undefined {
  return connections[APP];
}
