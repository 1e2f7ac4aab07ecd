import type { Runtime } from '../core/runtime/runtime.js';

/** An output stream of a command, such as `process.stdout`. */
export interface Output {
  write(text: string): unknown;
  readonly isTTY?: boolean | undefined;
}

export type Variables = Readonly<Record<string, string | undefined>>;

/** The environment of a command. A test can replace each part. */
export interface CliContext {
  readonly stdout: Output;
  readonly stderr: Output;
  readonly env: Variables;
  /** The directory that relative paths refer to. */
  readonly cwd: string;
  readonly runtime: Runtime;
  readonly fetch: typeof fetch;
  /** Resolves on SIGINT (Ctrl-C) or SIGTERM. */
  interrupted(): Promise<void>;
}

/** 0: success. 1: a problem was found and reported. 2: the command line is invalid. */
export type ExitCode = 0 | 1 | 2;

/** A problem that the user can fix, with a hint how. */
export class CliError extends Error {
  override readonly name = 'CliError';

  constructor(
    message: string,
    readonly hint: string,
    /** 2 if the command line is invalid. */
    readonly exitCode: 1 | 2 = 1,
  ) {
    super(message);
  }
}

/** Creates the error for an invalid command line. */
export function usageError(message: string, hint: string): CliError {
  return new CliError(message, hint, 2);
}
