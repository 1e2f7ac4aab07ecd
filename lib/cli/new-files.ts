import { closeSync, existsSync, mkdirSync, openSync, unlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { CliError } from './cli-context.js';

export interface NewFile {
  readonly path: string;
  readonly content: string;
  /** Readable by its owner only. */
  readonly isSecret: boolean;
}

/**
 * The paths of files that are to be made in `folder`, which is made if need be.
 *
 * @throws CliError if one of them is there: what is in it may be the only copy of a key
 */
export function pathsOfNewFiles<const Names extends readonly string[]>(
  folder: string,
  names: Names,
  hintIfTaken?: string,
): { readonly [Index in keyof Names]: string } {
  try {
    mkdirSync(folder, { recursive: true });
  } catch (error) {
    throw unwritableError(folder, codeOf(error));
  }
  const paths = names.map((name) => join(folder, name));
  const taken = paths.filter((path) => existsSync(path));
  if (taken.length > 0) throw fileExistsError(taken, hintIfTaken);
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- one for each name
  return paths as unknown as { readonly [Index in keyof Names]: string };
}

/**
 * Writes all of these files, or none.
 *
 * @throws CliError
 */
export function writeNewFiles(files: readonly NewFile[]): void {
  const made: string[] = [];
  for (const { path, content, isSecret } of files) {
    try {
      // wx: a file that came to be meanwhile stays as it is.
      const file = openSync(path, 'wx', isSecret ? 0o600 : 0o644);
      // From now on it is ours to take away, should the disk be full halfway.
      made.push(path);
      try {
        writeFileSync(file, content);
      } finally {
        closeSync(file);
      }
    } catch (error) {
      for (const own of made) unlinkSync(own);
      const code = codeOf(error);
      throw code === 'EEXIST' ? fileExistsError([path]) : unwritableError(dirname(path), code);
    }
  }
}

function fileExistsError(
  paths: readonly string[],
  hint = 'Nothing was written. Name another place, or move them away: a key that is overwritten is lost.',
): CliError {
  return new CliError(
    `${paths.join(' and ')} ${paths.length === 1 ? 'is' : 'are'} there already.`,
    hint,
  );
}

function unwritableError(folder: string, code: string): CliError {
  return new CliError(
    `Nothing can be written into ${folder} (${code}).`,
    'Check the path and its permissions.',
  );
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : 'unknown error';
}
