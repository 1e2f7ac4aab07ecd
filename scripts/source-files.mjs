import { readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import ts from 'typescript';
import { root } from './command.mjs';

/** @param {string} file below the checkout */
export function read(file) {
  return readFileSync(join(root, file), 'utf8');
}

/** @param {string} folder @param {string} ending */
export function filesIn(folder, ending) {
  return ts.sys.readDirectory(join(root, folder), [ending]).map((file) => relative(root, file));
}
