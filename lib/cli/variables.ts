import { readFileSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { resolve } from 'node:path';
import { parseEnv } from 'node:util';
import { looksLikePath } from '../core/credentials/credentials-errors.js';
import { type CliContext, CliError, usageError, type Variables } from './cli-context.js';
import { printable } from './terminal-text.js';

export const PASSPHRASE_VARIABLE = 'BOX_PRIVATE_KEY_PASSPHRASE';

/** Node decrypts no key with a passphrase of more than 1,024 bytes. */
const MAX_PASSPHRASE_BYTES = 1_000;

/**
 * Returns the environment and the variables of a `.env` file. The environment takes precedence, as with
 * `ConfigModule.forRoot()` of `@nestjs/config`.
 */
export function variablesOf({ env, cwd }: CliContext, dotenv: string | undefined): Variables {
  return dotenv === undefined ? env : { ...readDotenv(dotenv, cwd), ...env };
}

/** The names of Box variables in the `.env` of the working directory. A hint mentions them if they were not read. */
export function unreadVariables({ cwd }: CliContext): readonly string[] {
  try {
    return Object.keys(readDotenv('.env', cwd)).filter((name) => /^BOX_[A-Z_]+$/.test(name));
  } catch {
    return [];
  }
}

/** Reads a passphrase from a named variable: other users of the machine could read an argument. */
export function passphraseIn(variables: Variables, name: string): string {
  const passphrase = variables[name];
  // The name is not printed: it may be the passphrase itself.
  if (passphrase === undefined || passphrase === '') {
    throw usageError(
      'The environment variable named by --passphrase-env is unset or empty.',
      'Pass the name of a variable, not the passphrase, and set the variable: read -rs BOX_PASS && export BOX_PASS.',
    );
  }
  return passphrase;
}

/** Like `passphraseIn`, for a new key. Rejects passphrases that could not decrypt the key later. */
export function newPassphraseIn(variables: Variables, name: string): string {
  const passphrase = passphraseIn(variables, name);
  if (passphrase.trim() === '') {
    throw usageError(
      'The passphrase in the variable named by --passphrase-env is blank.',
      'Use a long passphrase with letters and digits. A blank passphrase counts as missing.',
    );
  }
  const bytes = Buffer.byteLength(passphrase);
  if (bytes > MAX_PASSPHRASE_BYTES) {
    throw usageError(
      `The passphrase in the variable named by --passphrase-env is too long: ${bytes} bytes.`,
      `Use at most ${MAX_PASSPHRASE_BYTES} bytes: Node cannot decrypt a key with a longer passphrase.`,
    );
  }
  return passphrase;
}

function readDotenv(path: string, cwd: string): Variables {
  const file = resolve(cwd, path);
  let content: string;
  try {
    // Reading a pipe might never end.
    if (!statSync(file).isFile()) throw new Error('not a file');
    content = readFileSync(file, 'utf8');
  } catch {
    // The path may be a secret that was entered by mistake.
    const shownPath = looksLikePath(path) ? `: ${printable(file)}` : '';
    throw new CliError(
      `Cannot read the file of --dotenv${shownPath}.`,
      'Check the path. Relative paths refer to the working directory.',
      2,
    );
  }
  return parserOfConfigModule()(content);
}

/**
 * Returns the parser that `ConfigModule` uses for `.env` files, else Node's. Node's own keeps a byte order mark and ends a
 * quoted value at an escaped quote.
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
