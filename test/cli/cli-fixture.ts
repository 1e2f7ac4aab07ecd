import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { afterEach } from 'vitest';
import type { CliContext } from '../../lib/cli/cli-context.js';
import { runProgram } from '../../lib/cli/program.js';
import { systemRuntime } from '../../lib/core/runtime/runtime.js';

/** What a command has printed, and how it ended. */
export interface Ran {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
  /** Both, without colours, as one line: texts are wrapped and indented. */
  readonly text: string;
}

export interface World extends Partial<Omit<CliContext, 'stdout' | 'stderr'>> {
  readonly isTTY?: boolean;
  /** Sees what is printed, as it is printed. */
  readonly onPrint?: (text: string) => void;
}

/** Runs a command line in this process, in a world of its own. */
export async function run(args: readonly string[], world: World = {}): Promise<Ran> {
  const { isTTY, onPrint, ...given } = world;
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

/** An empty folder, gone after the test. */
export function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'cli-'));
  folders.push(folder);
  return folder;
}

const folders: string[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
});
