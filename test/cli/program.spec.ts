import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { paintFor } from '../../lib/cli/terminal-text.js';
import { DOCTOR_STEPS, type DoctorReport } from '../../lib/cli/doctor/doctor-report.js';
import { systemRuntime } from '../../lib/core/runtime/runtime.js';
import { newFolder, run } from './cli-fixture.js';

const SECRET = 'q9LmZx3VbN7tRw2KcY8pDf5GhJ4sAe6U';

describe('The command line', () => {
  it.each([
    [['--help'], ['doctor', 'keygen', 'emulate', 'connections']],
    [
      ['doctor', '--help'],
      ['--as-user <id>', '--offline', '--json', '--api-url <url>', '--passphrase-env <NAME>'],
    ],
    [
      ['keygen', '--help'],
      ['--out <folder>', '--bits <size>', '--workfront', '--days <number>'],
    ],
    [
      ['emulate', '--help'],
      ['--port <number>', '--config <file>', '--write-config <file>'],
    ],
    [
      ['connections', 'sql', '--help'],
      ['--dialect <name>', '--prefix <text>', '--schema <name>'],
    ],
  ])('%j prints help and exits with 0', async (args, options) => {
    const { exitCode, stdout, stderr } = await run(args);
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    for (const option of options) expect(stdout).toContain(option);
  });

  it('--version prints the version of the package', async () => {
    const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };
    expect(await run(['--version'])).toMatchObject({ exitCode: 0, stdout: `${version}\n` });
    expect((await run(['-V'])).stdout).toBe(`${version}\n`);
  });

  it.each<[string[], string]>([
    [[], 'Usage: nestjs-box-auth'],
    [['heal'], 'unknown command'],
    [['doctor', '--colour'], "unknown option '--colour'"],
    [['doctor', 'one.json', 'two.json'], 'too many arguments'],
    [['doctor', '--as-user', 'alice@example.com'], 'Expected a Box user id: 1 to 20 digits'],
    [['doctor', '--api-url'], 'argument missing'],
    [['doctor', '--dotenv', 'missing.env'], 'Cannot read the file of --dotenv'],
    [['doctor', '--passphrase-env', 'UNSET'], 'is unset or empty'],
    [['keygen', '--bits', '1024'], 'one of 2048, 3072, 4096'],
    [['keygen', '--workfront', '--days', '0'], 'a whole number from 1 to 36500'],
    [['keygen', '--workfront', '--days', '1.5'], 'a whole number from 1 to 36500'],
    [['keygen', '--workfront', '--common-name', 'a\nb'], 'Expected 1 to 64 printable characters'],
    [['keygen', '--workfront', '--common-name', ' '], 'Expected 1 to 64 printable characters'],
    [['keygen', '--days', '10'], '--days requires --workfront'],
    [['keygen', '--common-name', 'me'], '--common-name requires --workfront'],
    [['keygen', '--encrypted'], '--encrypted requires --workfront'],
    [['emulate', '--port', '65536'], 'a whole number from 0 to 65535'],
    [['emulate', '--token-lifetime', '-1'], 'a whole number from 1 to 86400'],
    [['emulate', '--config', 'a', '--write-config', 'b'], 'cannot be used with'],
    [['emulate', '--enterprise', 'globex'], 'Expected a Box enterprise id'],
    [['emulate', '--enterprise', '7', '--enterprise', '7'], 'each once'],
    [['connections'], 'Usage: nestjs-box-auth connections'],
    [['connections', 'drop'], 'unknown command'],
    [['connections', 'sql'], "required option '--dialect <name>' not specified"],
    [['connections', 'sql', '--dialect', 'mssql'], 'one of postgres, mysql, sqlite'],
    [['connections', 'sql', '--dialect', 'mysql', '--prefix', 'a`b'], 'at most 32 letters'],
    [['connections', 'sql', '--dialect', 'mysql', '--schema', ''], '1 to 63 letters'],
  ])('%j prints an error to stderr and exits with 2', async (args, says) => {
    const { exitCode, stdout, stderr } = await run(args, { cwd: newFolder() });
    expect(exitCode).toBe(2);
    expect(stdout).toBe('');
    expect(stderr).toContain(says);
  });

  it.each([
    [['--dotenv', 'missing.env'], 'Cannot read the file of --dotenv'],
    [['--passphrase-env', 'UNSET'], 'is unset or empty'],
    [['--as-user', 'bob'], 'Expected a Box user id: 1 to 20 digits'],
    [['--passphrase', SECRET], 'must not be an argument'],
    [[`--colour=${SECRET}`], "unknown option '--colour'"],
    [['--as-user', SECRET], 'argument is invalid. Expected a Box user id'],
    [['one.json', SECRET], 'too many arguments'],
  ])('doctor --json %j also prints the error as JSON', async (args, says) => {
    const cwd = newFolder();
    for (const all of [
      ['doctor', '--json', '--offline', ...args],
      ['doctor', ...args, '--json', '--offline'],
    ]) {
      const { exitCode, stdout, stderr } = await run(all, { cwd });
      expect(exitCode).toBe(2);
      expect(stderr).toContain(says);
      const report = JSON.parse(stdout) as DoctorReport;
      expect(report).toMatchObject({ formatVersion: 1, verdict: 'failed', offline: true });
      expect(report.steps.map(({ step }) => step)).toEqual(DOCTOR_STEPS);
      const [first, ...others] = report.steps;
      expect(first).toMatchObject({ status: 'failed', problem: { code: 'option_invalid' } });
      expect(first?.problem?.message).toContain(says);
      expect(first?.problem).toMatchObject({
        hint: expect.stringMatching(/./),
        docs: expect.stringMatching(/^https:/),
      });
      for (const { status } of others) expect(status).toBe('not-reached');
      expect(stdout + stderr).not.toContain(SECRET);
    }
  });

  it('doctor --json --help prints only help', async () => {
    const { exitCode, stdout } = await run(['doctor', '--json', '--help']);
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/^Usage: /);
    expect(stdout).not.toContain('formatVersion');
  });

  it.each([
    ['doctor', '--passphrase', SECRET],
    ['doctor', `--passphrase=${SECRET}`],
    ['keygen', '--passphrase', SECRET],
    ['keygen', `--passphrase=${SECRET}`],
  ])('rejects a passphrase as an argument: %s %s', async (...args) => {
    const { exitCode, text } = await run(args, { cwd: newFolder() });
    expect(exitCode).toBe(2);
    expect(text).toContain('must not be an argument');
    expect(text).not.toContain(SECRET);
  });

  it.each([
    [[SECRET]],
    [['doctor', `--client-secret=${SECRET}`]],
    [['doctor', `-x${SECRET}`]],
    [['doctor', `--${SECRET}`]],
    [['doctor', '--as-user', SECRET]],
    [['doctor', '--as-user', `it's '${SECRET}'`]],
    [['doctor', '--passphrase-env', SECRET]],
    [['doctor', 'config.json', SECRET]],
    [['doctor', '--api-url', `https://me:${SECRET}@box.example.com`]],
    [['keygen', '--bits', SECRET]],
    [['keygen', '--passphrase-env', SECRET]],
    [['keygen', '--workfront', '--common-name', `\n${SECRET}`]],
    [['emulate', '--port', SECRET]],
    [['emulate', '--enterprise', SECRET]],
    [['connections', SECRET]],
    [['connections', 'sql', '--dialect', SECRET]],
    [['connections', 'sql', '--dialect', 'mysql', '--prefix', `${SECRET}-`]],
  ])('does not print a misplaced secret: %j', async (args) => {
    const env = { BOX_CLIENT_ID: 'a', BOX_CLIENT_SECRET: SECRET, BOX_ENTERPRISE_ID: '1' };
    const { exitCode, text } = await run(args, { cwd: newFolder(), env });
    expect(exitCode).toBeGreaterThan(0);
    expect(text).not.toContain(SECRET);
    expect(text).not.toBe('');
  });

  it('reports an unexpected error without its secrets', async () => {
    const runtime = {
      ...systemRuntime,
      schedule: () => {
        throw new RangeError(`client_secret=${SECRET}`);
      },
    };
    const env = { BOX_CLIENT_ID: 'a', BOX_CLIENT_SECRET: SECRET, BOX_ENTERPRISE_ID: '1' };
    const { exitCode, stderr } = await run(['doctor'], { env, runtime });
    expect(exitCode).toBe(1);
    expect(stderr).toContain('RangeError');
    expect(stderr).not.toContain(SECRET);
  });
});

describe('Colours', () => {
  const RED = '\u001b[31m';

  it.each([
    [true, {}, true],
    [false, {}, false],
    [true, { NO_COLOR: '1' }, false],
    [true, { NO_COLOR: '' }, true],
    [true, { TERM: 'dumb' }, false],
    [false, { FORCE_COLOR: '1' }, true],
    [false, { FORCE_COLOR: '' }, true],
    [true, { FORCE_COLOR: '0' }, false],
    [true, { FORCE_COLOR: 'false' }, false],
    [true, { FORCE_COLOR: '1', NO_COLOR: '1' }, true],
  ])('with a terminal %j and the environment %j are used: %j', async (isTTY, env, coloured) => {
    const { stdout } = await run(['doctor'], { isTTY, env, cwd: newFolder() });
    expect(stdout.includes(RED)).toBe(coloured);
    const paint = paintFor({ write: () => true, isTTY }, env);
    expect(paint('red', 'x')).toBe(coloured ? `${RED}x\u001b[39m` : 'x');
  });

  it('are never used in JSON', async () => {
    const { stdout } = await run(['doctor', '--json'], { isTTY: true, cwd: newFolder() });
    expect(stdout).not.toContain('\u001b');
  });
});
