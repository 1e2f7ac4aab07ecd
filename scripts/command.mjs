import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The root of the repository. */
export const root = fileURLToPath(new URL('..', import.meta.url));

/** An error whose message needs no stack. */
export class CommandFailed extends Error {}

/**
 * Runs a program and returns its output. Throws `CommandFailed` if it fails or takes more than two minutes, or `timeout` ms.
 *
 * @param {string} program
 * @param {string[]} args
 * @param {{ cwd: string, env?: NodeJS.ProcessEnv, timeout?: number }} options
 * @returns {Promise<{ stdout: string, stderr: string }>}
 */
export function run(program, args, options) {
  return new Promise((resolve, reject) => {
    const settle = (
      /** @type {import('node:child_process').ExecFileException | null} */ error,
      /** @type {string} */ stdout,
      /** @type {string} */ stderr,
    ) => {
      if (error === null) resolve({ stdout, stderr });
      else reject(new CommandFailed(describeFailure(error, stdout, stderr)));
    };
    const child = execFile(program, args, { timeout: 120_000, ...options }, settle);
    child.stdin?.end();
  });
}

/**
 * Like `run`, for a program of a dependency.
 *
 * @param {string} name
 * @param {string[]} args
 * @param {{ cwd?: string, installedIn?: string, timeout?: number }} options
 */
export function runTool(name, args, { cwd = root, installedIn = root, ...options } = {}) {
  const program = join(installedIn, 'node_modules/.bin', name);
  return run(process.execPath, [program, ...args], { cwd, ...options });
}

/**
 * @param {import('node:child_process').ExecFileException} error
 * @param {string} stdout
 * @param {string} stderr
 */
function describeFailure(error, stdout, stderr) {
  const end = error.killed
    ? 'was killed after the time limit'
    : `ended with ${error.code ?? error.signal}`;
  return `${error.cmd} ${end}\n${stdout}${stderr}`.trim();
}
