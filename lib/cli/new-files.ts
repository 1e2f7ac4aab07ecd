import { closeSync, existsSync, mkdirSync, openSync, unlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { CliError } from './cli-context.js';

export interface NewFile {
  readonly path: string;
  readonly content: string;
  /** Only the owner may read it. */
  readonly isSecret: boolean;
}

/**
 * Returns the paths of new files in `folder`, which is created if it is missing.
 *
 * @throws CliError if a file exists: it may hold the only copy of a key
 */
export function pathsOfNewFiles<const Names extends readonly string[]>(
  folder: string,
  names: Names,
  hintIfExists?: string,
): { readonly [Index in keyof Names]: string } {
  try {
    mkdirSync(folder, { recursive: true });
  } catch (error) {
    throw unwritableError(folder, codeOf(error));
  }
  const paths = names.map((name) => join(folder, name));
  const existing = paths.filter((path) => existsSync(path));
  if (existing.length > 0) throw fileExistsError(existing, hintIfExists);
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- one for each name
  return paths as unknown as { readonly [Index in keyof Names]: string };
}

/**
 * Writes all files or none.
 *
 * @throws CliError if a file exists or cannot be written
 */
export function writeNewFiles(files: readonly NewFile[]): void {
  const created: string[] = [];
  for (const { path, content, isSecret } of files) {
    try {
      // wx: never overwrites a file that was created in the meantime.
      const file = openSync(path, 'wx', isSecret ? 0o600 : 0o644);
      // Added before the write: if that fails, this file is removed too.
      created.push(path);
      try {
        writeFileSync(file, content);
      } finally {
        closeSync(file);
      }
    } catch (error) {
      for (const createdPath of created) unlinkSync(createdPath);
      const code = codeOf(error);
      throw code === 'EEXIST' ? fileExistsError([path]) : unwritableError(dirname(path), code);
    }
  }
}

function fileExistsError(
  paths: readonly string[],
  hint = 'Choose another folder, or move the files away. Nothing was written, as an overwritten key is lost.',
): CliError {
  return new CliError(
    `${paths.join(' and ')} already ${paths.length === 1 ? 'exists' : 'exist'}.`,
    hint,
  );
}

function unwritableError(folder: string, code: string): CliError {
  return new CliError(
    `Cannot write to ${folder} (${code}).`,
    'Check the path and its permissions.',
  );
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : 'unknown error';
}
