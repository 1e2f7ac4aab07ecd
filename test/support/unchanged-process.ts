import { deepStrictEqual, ok } from 'node:assert/strict';
import { channel } from 'node:diagnostics_channel';
import { IncomingMessage } from 'node:http';
import { afterAll, beforeAll } from 'vitest';

const DISPATCHER = Symbol.for('undici.globalDispatcher.1');
const HINT =
  'This spec changes its process: undo that, or add it to `isolated` in vitest.config.ts.';

const settings = () => ({
  env: { ...process.env },
  directory: process.cwd(),
  hasSubscribers: channel('nestjs-box-auth:mint').hasSubscribers,
});
const globals = (): unknown[] => [
  globalThis.fetch,
  globalThis.Date,
  globalThis.setTimeout,
  globalThis.setInterval,
  globalThis.queueMicrotask,
  Math.random,
  Reflect.get(globalThis, DISPATCHER),
  // A getter that is read from the prototype keeps its value there, for all messages.
  Reflect.ownKeys(IncomingMessage.prototype).length,
];

// Specs of the project `shared` run one after another in the same process.
let before: readonly [ReturnType<typeof settings>, ReturnType<typeof globals>];
beforeAll(() => {
  before = [settings(), globals()];
});
afterAll(() => {
  deepStrictEqual(settings(), before[0], HINT);
  ok(
    globals().every((value, at) => value === before[1][at]),
    HINT,
  );
});
