import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { BoxEmulator } from 'nestjs-box-auth/testing';
import type {
  DoctorReport,
  DoctorStep,
  DoctorStepName,
} from '../../../lib/cli/doctor/doctor-report.js';
import { newFolder, type Ran, run, type ContextOverrides } from '../cli-fixture.js';

/** The output of two runs of the doctor with the same arguments: text and JSON. */
export interface DoctorRun extends Ran {
  readonly report: DoctorReport;
}

interface ConfigChanges {
  readonly clientID?: string;
  readonly clientSecret?: string;
  readonly enterpriseID?: string;
  readonly appAuth?: Partial<BoxEmulator['config']['boxAppSettings']['appAuth']>;
}

/** Runs the doctor against an emulator, and checks that it prints no secret. */
export class DoctorFixture {
  readonly #secrets = new Set<string>();

  constructor(readonly emulator: BoxEmulator) {
    this.addSecrets(JSON.stringify(emulator.config));
  }

  /** The `config.json` of the emulated app, with changes. */
  config({ enterpriseID, appAuth, ...settings }: ConfigChanges = {}): BoxEmulator['config'] {
    const { boxAppSettings, ...rest } = this.emulator.config;
    return {
      ...rest,
      ...(enterpriseID === undefined ? {} : { enterpriseID }),
      boxAppSettings: {
        ...boxAppSettings,
        ...settings,
        appAuth: { ...boxAppSettings.appAuth, ...appAuth },
      },
    };
  }

  /** Writes a config.json; a string is written unchanged. */
  file(config: object | string = this.config()): string {
    const text = typeof config === 'string' ? config : JSON.stringify(config);
    this.addSecrets(text);
    const path = join(newFolder(), 'config.json');
    writeFileSync(path, text, { mode: 0o600 });
    return path;
  }

  /** The environment variables of the client, without a key. */
  get clientVariables(): Record<string, string> {
    const { clientID, clientSecret } = this.emulator.config.boxAppSettings;
    return {
      BOX_CLIENT_ID: clientID,
      BOX_CLIENT_SECRET: clientSecret,
      BOX_ENTERPRISE_ID: this.emulator.config.enterpriseID,
    };
  }

  /** Runs the doctor with text and with JSON output, which must match and contain no secret. */
  async run(args: readonly string[] = [], overrides: ContextOverrides = {}): Promise<DoctorRun> {
    const context = {
      ...overrides,
      env: { BOX_API_URL: this.emulator.url, ...overrides.env },
    };
    const printed = await run(['doctor', ...args], context);
    const json = await run(['doctor', '--json', ...args], context);
    this.expectNoSecret(printed, json);
    assert.equal(json.exitCode, printed.exitCode);
    assert.equal(json.stderr, '');
    const report = JSON.parse(json.stdout) as DoctorReport;
    assert.equal(report.verdict, printed.exitCode === 0 ? 'ok' : 'failed');
    for (const { problem } of report.steps) {
      if (problem === undefined) continue;
      for (const part of [problem.message, problem.hint, problem.docs, problem.code]) {
        const words = part.replace(/\s+/g, ' ').trim();
        assert.ok(printed.text.includes(words), `${words} is not in ${printed.text}`);
      }
    }
    return { ...printed, report };
  }

  /** Remembers the secrets in `text`: fields of a `config.json` and lines of a key. */
  addSecrets(text: string): void {
    for (const [, secret] of text.matchAll(/"(?:clientSecret|passphrase)": ?"([^"]{4,})"/g)) {
      if (secret !== undefined) this.#secrets.add(secret);
    }
    // Each line of a key, as keys share their first lines.
    for (const line of text.split(/\\n|\n/)) {
      if (/^[A-Za-z0-9+/]{40,64}={0,2}$/.test(line)) this.#secrets.add(line);
    }
  }

  expectNoSecret(...ran: readonly Ran[]): void {
    for (const { body, headers } of this.emulator.requests) {
      for (const secret of [
        body?.['assertion'],
        body?.['client_secret'],
        headers['authorization'],
      ]) {
        if (secret !== undefined) this.#secrets.add(secret.replace(/^Bearer /, ''));
      }
    }
    assert.ok(this.#secrets.size > 10);
    for (const { stdout, stderr } of ran) {
      const printed = `${stdout}${stderr}`;
      for (const secret of this.#secrets) {
        assert.ok(!printed.includes(secret), `The output contains a secret:\n${printed}`);
      }
      assert.doesNotMatch(printed, /eyJ[\w-]{10,}/);
    }
  }
}

/** Returns the failed step; all later steps must not have run. */
export function failedStep({ report }: DoctorRun): DoctorStep {
  const index = report.steps.findIndex(({ status }) => status === 'failed');
  assert.ok(index >= 0, 'no step failed');
  for (const { status } of report.steps.slice(index + 1)) assert.equal(status, 'not-reached');
  const [failed] = report.steps.slice(index);
  assert.ok(failed?.problem !== undefined);
  return failed;
}

export function stepOf<Name extends DoctorStepName>(
  { report }: DoctorRun,
  name: Name,
): DoctorStep & { step: Name } {
  const found = report.steps.find(({ step }) => step === name);
  if (found === undefined) throw new Error(`there is no step ${name}`);
  return found as DoctorStep & { step: Name };
}

/** `configuration ok, fields ok, …` */
export function stepStatuses({ report }: DoctorRun): string[] {
  return report.steps.map(({ step, status }) => `${step} ${status}`);
}
