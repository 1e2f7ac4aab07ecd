import { systemRuntime } from '../core/runtime/runtime.js';
import type { CliContext } from './cli-context.js';

/** The context of the running process. */
export function processContext(): CliContext {
  return {
    stdout: process.stdout,
    stderr: process.stderr,
    env: process.env,
    cwd: process.cwd(),
    runtime: systemRuntime,
    fetch: (input, init) => fetch(input, init),
    interrupted,
  };
}

/** Keeps the listeners, so that a second signal does not interrupt the shutdown: terminal and npx both send Ctrl-C. */
function interrupted(): Promise<void> {
  return new Promise((resolve) => {
    const end = () => resolve();
    process.on('SIGINT', end).on('SIGTERM', end);
  });
}

/** Ignores EPIPE, as with `doctor | head`: the command still runs to its end and sets its exit code. */
export function tolerateClosedPipe(stream: NodeJS.WritableStream): void {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
  });
}
