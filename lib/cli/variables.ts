import { readFileSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { resolve } from 'node:path';
import { parseEnv } from 'node:util';
import { looksLikePath } from '../core/credentials/credentials-errors.js';
import { type CliContext, type Variables, CliError, usageError } from './cli-context.js';
import { printable } from './terminal-text.js';

export const PASSPHRASE_VARIABLE = 'BOX_PRIVATE_KEY_PASSPHRASE';

/** Node opens nothing with one of more than 1,024. */
const MAX_PASSPHRASE_BYTES = 1_000;

/**
 * The environment, and under it what stands in a `.env` file: of two values the environment's counts, as with
 * `ConfigModule.forRoot()` of `@nestjs/config`.
 */
export function variablesOf({ env, cwd }: CliContext, dotenv: string | undefined): Variables {
  return dotenv === undefined ? env : { ...readDotenv(dotenv, cwd), ...env };
}

/** The variables of Box in the `.env` of the working directory, by name: for who wonders why they are not read. */
export function unreadVariables({ cwd }: CliContext): readonly string[] {
  try {
    return Object.keys(readDotenv('.env', cwd)).filter((name) => /^BOX_[A-Z_]+$/.test(name));
  } catch {
    return [];
  }
}

/** A passphrase, from a variable that is named: an argument could be read by everybody on the machine. */
export function passphraseIn(variables: Variables, name: string): string {
  const passphrase = variables[name];
  // The name is not told: somebody may have given the passphrase itself.
  if (passphrase === undefined || passphrase === '') {
    throw usageError(
      'The environment variable that --passphrase-env names is not set, or empty.',
      'Give the name of a variable, not the passphrase itself, and set it: read -rs BOX_PASS && export BOX_PASS.',
    );
  }
  return passphrase;
}

/** As `passphraseIn`, for a key that is to be made: whoever is to open it would refuse these. */
export function newPassphraseIn(variables: Variables, name: string): string {
  const passphrase = passphraseIn(variables, name);
  if (passphrase.trim() === '') {
    throw usageError(
      'The passphrase in the variable that --passphrase-env names is blank.',
      'A blank one counts as none when the key is opened. Put at least one letter or digit into it; many are better.',
    );
  }
  const bytes = Buffer.byteLength(passphrase);
  if (bytes > MAX_PASSPHRASE_BYTES) {
    throw usageError(
      `The passphrase in the variable that --passphrase-env names is too long: ${bytes} bytes.`,
      `Take one of at most ${MAX_PASSPHRASE_BYTES} bytes: with a longer one the key could not be opened.`,
    );
  }
  return passphrase;
}

function readDotenv(path: string, cwd: string): Variables {
  const file = resolve(cwd, path);
  let content: string;
  try {
    // A pipe might never end.
    if (!statSync(file).isFile()) throw new Error('no file');
    content = readFileSync(file, 'utf8');
  } catch {
    // A secret may have been given in place of the path.
    const named = looksLikePath(path) ? `: ${printable(file)}` : '';
    throw new CliError(
      `The file of --dotenv cannot be read${named}.`,
      'Check the path: a relative one is of the working directory.',
      2,
    );
  }
  return parserOfConfigModule()(content);
}

/**
 * The parser that `ConfigModule` reads a `.env` file with: Node's own keeps a byte order mark, and ends a quoted value at an
 * escaped quote. Without `@nestjs/config` there is only Node's.
 */
function parserOfConfigModule(): (content: string) => Variables {
  try {
    const configModule = createRequire(import.meta.url).resolve('@nestjs/config');
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a dependency of that package
    const { parse } = createRequire(configModule)('dotenv') as { parse: typeof parseEnv };
    return parse;
  } catch {
    return (content) => parseEnv(content.replace(/^\uFEFF/, ''));
  }
}
