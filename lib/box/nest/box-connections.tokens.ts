import type { AuthModule } from '../../nest/auth-module.js';

// Without the code of connections: `@AsUser` and apps without connections load only this file.

export const CONNECTIONS_MODULE: AuthModule = {
  name: 'BoxConnectionsModule',
  extraOptionNames: ['name', 'isGlobal', 'routes'],
  importToken: Symbol.for('nestjs-box-auth.BOX_CONNECTIONS_APP'),
  clashHint: 'give each Box app its own name',
};

// Symbol.for: one process may load the ES module and the CommonJS build.
export const BOX_CONNECTIONS = Symbol.for('nestjs-box-auth.BOX_CONNECTIONS');
