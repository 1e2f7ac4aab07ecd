// Module hooks that write down what is imported.
import { appendFileSync } from 'node:fs';

/** @type {string} */
let logFile;

/** @type {import('node:module').InitializeHook<{ logFile: string }>} */
export function initialize(data) {
  ({ logFile } = data);
}

/** @type {import('node:module').ResolveHook} */
export function resolve(specifier, context, nextResolve) {
  // Synchronously: whoever imports may read the file as soon as the import is done.
  appendFileSync(logFile, `${specifier}\n`);
  return nextResolve(specifier, context);
}
