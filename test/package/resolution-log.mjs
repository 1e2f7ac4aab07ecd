// Module hooks that log imports.
import { appendFileSync } from 'node:fs';

/** @type {string} */
let logFile;

/** @type {import('node:module').InitializeHook<{ logFile: string }>} */
export function initialize(data) {
  ({ logFile } = data);
}

/** @type {import('node:module').ResolveHook} */
export function resolve(specifier, context, nextResolve) {
  // Synchronous, so that the log is complete when the import is done.
  appendFileSync(logFile, `${specifier}\n`);
  return nextResolve(specifier, context);
}
