import { systemRuntime } from '../core/runtime/runtime.js';
import type { CliContext } from './cli-context.js';

/** The process itself, as the commands see it. */
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

/** npx passes on the signal that the terminal has sent to all: the second one must not cut the first one's work short. */
function interrupted(): Promise<void> {
  return new Promise((resolve) => {
    const end = () => resolve();
    process.on('SIGINT', end).on('SIGTERM', end);
  });
}

/** `doctor | head`: who reads no further has no need of an error. The command goes on to its end, and to its exit code. */
export function tolerateClosedPipe(stream: NodeJS.WritableStream): void {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
  });
}
