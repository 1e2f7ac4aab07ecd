import type { Runtime } from '../core/runtime/runtime.js';

/** Where a command writes: `process.stdout` is one. */
export interface Output {
  write(text: string): unknown;
  readonly isTTY?: boolean | undefined;
}

export type Variables = Readonly<Record<string, string | undefined>>;

/** All that a command has of the world, so that a test can be any terminal at any hour. */
export interface CliContext {
  readonly stdout: Output;
  readonly stderr: Output;
  readonly env: Variables;
  /** What relative paths are of. */
  readonly cwd: string;
  readonly runtime: Runtime;
  readonly fetch: typeof fetch;
  /** Resolves when somebody wants the command to end: Ctrl-C, or SIGTERM. */
  interrupted(): Promise<void>;
}

/** 0: all is well. 1: something is wrong, and was told. 2: the command was not understood. */
export type ExitCode = 0 | 1 | 2;

/** Something that the person at the terminal can mend: what it is, and what to do. */
export class CliError extends Error {
  override readonly name = 'CliError';

  constructor(
    message: string,
    readonly hint: string,
    /** 2 where the command line itself is wrong. */
    readonly exitCode: 1 | 2 = 1,
  ) {
    super(message);
  }
}

/** The command line is wrong. */
export function usageError(message: string, hint: string): CliError {
  return new CliError(message, hint, 2);
}
