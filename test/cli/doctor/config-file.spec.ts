import { execFileSync } from 'node:child_process';
import { closeSync, openSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BoxEmulator } from 'nestjs-box-auth/testing';
import type { DoctorReport } from '../../../lib/cli/doctor/doctor-report.js';
import { FakeRuntime, settled } from '../../support/fake-runtime.js';
import { newFolder, run } from '../cli-fixture.js';
import { DoctorFixture, failedStep } from './doctor-fixture.js';

let emulator: BoxEmulator;
let fixture: DoctorFixture;
beforeAll(async () => {
  emulator = await BoxEmulator.start();
  fixture = new DoctorFixture(emulator);
});
afterAll(() => emulator.stop());

function newPipe(name = 'config.json'): string {
  const path = join(newFolder(), name);
  execFileSync('mkfifo', ['-m', '644', path]);
  return path;
}

/** Keeps both ends of a pipe open while `work` runs, so that the pipe does not end. */
async function held<T>(pipe: string, content: string, work: () => Promise<T>): Promise<T> {
  const fd = openSync(pipe, 'r+');
  try {
    writeFileSync(fd, content);
    return await work();
  } finally {
    closeSync(fd);
  }
}

describe.skipIf(process.platform === 'win32')('doctor with a config.json that is a pipe', () => {
  it('reads the pipe only once', async () => {
    const pipe = newPipe();
    const content = JSON.stringify(fixture.config());
    const writer = openSync(pipe, 'r+');
    writeFileSync(writer, content);
    // The pipe ends when the last writer closes it, which happens after the doctor has opened it.
    const running = run(['doctor', pipe, '--json', '--offline']);
    await settled();
    closeSync(writer);
    const { exitCode, stdout } = await running;
    const report = JSON.parse(stdout) as DoctorReport;
    expect(report.steps[0]).toMatchObject({ status: 'ok', facts: { file: pipe } });
    expect(report.steps[0]?.facts).not.toHaveProperty('readableByOthers');
    expect(exitCode).toBe(0);
  });

  it('waits at most ten seconds for its end', async () => {
    const pipe = newPipe();
    const runtime = new FakeRuntime();
    const { exitCode, text } = await held(pipe, '{', async () => {
      const running = run(['doctor', pipe], { runtime });
      await settled();
      await runtime.advance(10_000);
      return running;
    });
    expect(exitCode).toBe(1);
    expect(text).toContain(
      `The Box configuration file "${pipe}" cannot be read (it does not end within 10000 ms).`,
    );
    expect(runtime.timers).toBe(0);
  });

  it('reads at most 1 MiB of an endless device', async () => {
    const doctorRun = await fixture.run(['/dev/zero']);
    expect(failedStep(doctorRun).problem).toMatchObject({
      code: 'config_unreadable',
      message:
        'The Box configuration file "/dev/zero" cannot be read (it is larger than 1048576 bytes).',
    });
  });

  it('does not wait for a .env that is a pipe', async () => {
    const pipe = newPipe('.env');
    const cwd = join(pipe, '..');
    await held(pipe, 'BOX_CLIENT_ID=1\n', async () => {
      const asked = await run(['doctor', '--dotenv', '.env'], { cwd });
      expect(asked).toMatchObject({ exitCode: 2 });
      expect(asked.text).toContain('Cannot read the file of --dotenv');
      const unasked = await run(['doctor'], { cwd });
      expect(unasked.exitCode).toBe(1);
      expect(unasked.text).not.toContain('.env here');
    });
  });
});

describe('doctor with a config.json that is a file', () => {
  it.each([
    ['{', 'cannot be read: it is not JSON'],
    ['{}', 'boxAppSettings: expected an object'],
  ])('names the path if the content is %s', async (content, expected) => {
    const file = fixture.file(content);
    const { problem } = failedStep(await fixture.run([file]));
    expect(problem?.message).toContain(file);
    expect(problem?.message).toContain(expected);
  });

  it('names the path if the key does not open', async () => {
    const file = fixture.file(fixture.config({ appAuth: { passphrase: 'another one' } }));
    expect(failedStep(await fixture.run([file])).problem?.message).toBe(
      `The passphrase in ${file}: boxAppSettings.appAuth.passphrase does not open ${file}: boxAppSettings.appAuth.privateKey.`,
    );
  });

  it('accepts exactly 1 MiB', async () => {
    const content = JSON.stringify(fixture.config());
    const largest = fixture.file(content.padEnd(1_048_576));
    expect((await fixture.run([largest, '--offline'])).exitCode).toBe(0);
    const larger = fixture.file(content.padEnd(1_048_577));
    const { problem } = failedStep(await fixture.run([larger, '--offline']));
    expect(problem?.message).toContain('it is larger than 1048576 bytes');
  });

  it('does not print content that was passed instead of the path', async () => {
    const content = JSON.stringify(fixture.config());
    const { problem } = failedStep(await fixture.run([content]));
    expect(problem?.code).toBe('config_unreadable');
    expect(problem?.message).toContain('that does not look like a path');
  });
});
