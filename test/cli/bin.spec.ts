import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { build } from 'rolldown';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { StartedProgram } from '../e2e/started-program.js';

/** Installs the package with its dependencies only, without Nest. */
let home: string;
let bin: string;
beforeAll(async () => {
  home = mkdtempSync(join(tmpdir(), 'cli-home-'));
  const installed = join(home, 'node_modules/nestjs-box-auth');
  const { dependencies, peerDependencies } = JSON.parse(readFileSync('package.json', 'utf8')) as {
    dependencies: Record<string, string>;
    peerDependencies: Record<string, string>;
  };
  for (const name of [...Object.keys(dependencies), 'rxjs']) {
    mkdirSync(dirname(join(home, 'node_modules', name)), { recursive: true });
    symlinkSync(resolve('node_modules', name), join(home, 'node_modules', name));
  }
  const external = Object.keys({ ...dependencies, ...peerDependencies });
  await build({
    input: { 'cli/main': 'lib/cli/main.ts' },
    platform: 'node',
    external: external.map((name) => new RegExp(`^${name}(/|$)`)),
    logLevel: 'silent',
    output: { dir: join(installed, 'dist/esm'), format: 'esm' },
  });
  cpSync('package.json', join(installed, 'package.json'));
  mkdirSync(join(home, 'node_modules/.bin'));
  bin = join(home, 'node_modules/.bin/nestjs-box-auth');
  symlinkSync('../nestjs-box-auth/dist/esm/cli/main.js', bin);
});
afterAll(() => rmSync(home, { recursive: true }));

const started: StartedProgram[] = [];
afterAll(() => {
  for (const program of started) program.kill();
});

function start(args: readonly string[], environment: Record<string, string> = {}): StartedProgram {
  const program = StartedProgram.start([bin, ...args], home, environment);
  started.push(program);
  return program;
}

async function ran(args: readonly string[], environment: Record<string, string> = {}) {
  const program = start(args, environment);
  const { code } = await program.ended;
  return { code, output: program.output, errors: program.errors };
}

describe('nestjs-box-auth as a program without Nest', () => {
  it('starts with a shebang', () => {
    const main = readFileSync(join(home, 'node_modules/nestjs-box-auth/dist/esm/cli/main.js'));
    expect(main.toString()).toMatch(/^#!\/usr\/bin\/env node\n/);
  });

  it('prints its version', async () => {
    expect(await ran(['--version'])).toEqual({
      code: 0,
      output: expect.stringMatching(/^\d+\.\d+\.\d+/),
      errors: '',
    });
  });

  it('emulates Box for the doctor, and exits cleanly on Ctrl-C', async () => {
    const emulator = start(['emulate', '--write-config', 'emulated.json']);
    await emulator.untilPrinted('Press Ctrl-C to stop.');
    const url = /listens at (\S+)\. /.exec(emulator.output)?.[1] ?? '';
    const well = await ran(['doctor', 'emulated.json', '--as-user', '11111'], { BOX_API_URL: url });
    expect(well).toEqual({
      code: 0,
      output: expect.stringContaining('All checks passed.'),
      errors: '',
    });
    expect(well.output).not.toContain('\u001b');
    // Pooled connections must not keep it alive.
    expect(await emulator.interrupt()).toEqual({ code: 0, signal: null });
    expect(emulator.output).toMatch(/Stopped\.\n$/);
    expect(emulator.errors).toBe('');
    const gone = await ran(['doctor', 'emulated.json', '--json'], { BOX_API_URL: url });
    expect(gone.code).toBe(1);
    expect(JSON.parse(gone.output)).toMatchObject({ verdict: 'failed' });
  });

  it('exits cleanly on SIGTERM', async () => {
    const emulator = spawn(process.execPath, [bin, 'emulate'], { cwd: home });
    let output = '';
    emulator.stdout.on('data', (text) => {
      output += String(text);
      if (String(text).includes('Press Ctrl-C to stop.')) emulator.kill('SIGTERM');
    });
    expect(await once(emulator, 'close')).toEqual([0, null]);
    expect(output).toMatch(/Stopped\.\n$/);
  });

  it('generates keys', async () => {
    const { code, output } = await ran(['keygen', '--out', 'keys']);
    expect(code).toBe(0);
    expect(output).toContain(join(home, 'keys', 'private.pem'));
  });

  it.skipIf(process.platform === 'win32')(
    'leaves nothing of a key behind, if there is no room for all of it',
    async () => {
      // Limits the size of files that can be written.
      const command = [process.execPath, bin, 'keygen', '--out', 'full'];
      const limited = ['-c', 'ulimit -f 1; exec "$0" "$@"', ...command];
      const shell = spawn('sh', limited, { cwd: home });
      let errors = '';
      shell.stderr.on('data', (text) => (errors += String(text)));
      expect(await once(shell, 'close')).toEqual([1, null]);
      expect(errors).toContain('(EFBIG)');
      expect(readdirSync(join(home, 'full'))).toEqual([]);
    },
  );

  it('exits without an error and with the same code if its output is closed', async () => {
    for (const [args, code] of [
      [['doctor', 'missing.json'], 1],
      [['--version'], 0],
    ] as const) {
      const program = spawn(process.execPath, [bin, ...args], { cwd: home });
      program.stdout.destroy();
      let errors = '';
      program.stderr.on('data', (text) => (errors += String(text)));
      expect(await once(program, 'close')).toEqual([code, null]);
      expect(errors).toBe('');
    }
  });

  it('exits with 2 for an invalid command line', async () => {
    const { code, output, errors } = await ran(['heal']);
    expect({ code, output }).toEqual({ code: 2, output: '' });
    expect(errors).toContain('unknown command');
  });
});
