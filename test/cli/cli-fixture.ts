import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { afterEach } from 'vitest';
import type { CliContext } from '../../lib/cli/cli-context.js';
import { runProgram } from '../../lib/cli/program.js';
import { systemRuntime } from '../../lib/core/runtime/runtime.js';

/** The output and the exit code of a command. */
export interface Ran {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
  /** Both outputs without colours, as one line without indentation. */
  readonly text: string;
}

export interface ContextOverrides extends Partial<Omit<CliContext, 'stdout' | 'stderr'>> {
  readonly isTTY?: boolean;
  /** Called with each text when it is printed. */
  readonly onPrint?: (text: string) => void;
}

/** Runs a command line in this process, with its own context. */
export async function run(args: readonly string[], overrides: ContextOverrides = {}): Promise<Ran> {
  const { isTTY, onPrint, ...given } = overrides;
  let stdout = '';
  let stderr = '';
  const exitCode = await runProgram(args, {
    env: {},
    cwd: '/nowhere',
    runtime: systemRuntime,
    fetch,
    interrupted: () => new Promise(() => undefined),
    ...given,
    stdout: {
      isTTY,
      write: (text) => {
        stdout += text;
        onPrint?.(text);
      },
    },
    stderr: { isTTY, write: (text) => (stderr += text) },
  });
  const text = stripVTControlCharacters(`${stdout} ${stderr}`).replace(/\s+/g, ' ').trim();
  return { exitCode, stdout, stderr, text };
}

/** Creates an empty folder, which is removed after the test. */
export function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'cli-'));
  folders.push(folder);
  return folder;
}

const folders: string[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
});
