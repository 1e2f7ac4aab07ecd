import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { BoxConfigJson, BoxEmulator } from 'nestjs-box-auth/testing';
import type {
  DoctorReport,
  DoctorStep,
  DoctorStepName,
} from '../../../lib/cli/doctor/doctor-report.js';
import { newFolder, type Ran, run, type World } from '../cli-fixture.js';

/** What the doctor said, as text and as JSON: of the same patient, one after the other. */
export interface Diagnosis extends Ran {
  readonly report: DoctorReport;
}

interface ConfigChanges {
  readonly clientID?: string;
  readonly clientSecret?: string;
  readonly enterpriseID?: string;
  readonly appAuth?: Partial<BoxConfigJson['boxAppSettings']['appAuth']>;
}

/** An emulator of Box, and patients for the doctor. Whatever it is asked, no secret may be in its answer. */
export class Clinic {
  readonly #secrets = new Set<string>();

  constructor(readonly emulator: BoxEmulator) {
    this.keepSecret(JSON.stringify(emulator.config));
  }

  /** The emulated app's own `config.json` with other fields. */
  config({ enterpriseID, appAuth, ...settings }: ConfigChanges = {}): BoxConfigJson {
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

  /** That config.json on disk; text is written as it is. */
  file(config: object | string = this.config()): string {
    const text = typeof config === 'string' ? config : JSON.stringify(config);
    this.keepSecret(text);
    const path = join(newFolder(), 'config.json');
    writeFileSync(path, text, { mode: 0o600 });
    return path;
  }

  /** The client as the environment has it, without a key. */
  get clientVariables(): Record<string, string> {
    const { clientID, clientSecret } = this.emulator.config.boxAppSettings;
    return {
      BOX_CLIENT_ID: clientID,
      BOX_CLIENT_SECRET: clientSecret,
      BOX_ENTERPRISE_ID: this.emulator.config.enterpriseID,
    };
  }

  /** Asks the doctor twice, for people and for programs: it must say the same, and no secret. */
  async ask(args: readonly string[] = [], world: World = {}): Promise<Diagnosis> {
    const inClinic = {
      ...world,
      env: { BOX_API_URL: this.emulator.url, ...world.env },
    };
    const told = await run(['doctor', ...args], inClinic);
    const json = await run(['doctor', '--json', ...args], inClinic);
    this.expectNoSecret(told, json);
    assert.equal(json.exitCode, told.exitCode);
    assert.equal(json.stderr, '');
    const report = JSON.parse(json.stdout) as DoctorReport;
    assert.equal(report.verdict, told.exitCode === 0 ? 'ok' : 'failed');
    for (const { problem } of report.steps) {
      if (problem === undefined) continue;
      for (const part of [problem.message, problem.hint, problem.docs, problem.code]) {
        const words = part.replace(/\s+/g, ' ').trim();
        assert.ok(told.text.includes(words), `${words} is not in ${told.text}`);
      }
    }
    return { ...told, report };
  }

  /** Whatever in `text` is a secret: of a `config.json`, of variables, of a key. */
  keepSecret(text: string): void {
    for (const [, secret] of text.matchAll(/"(?:clientSecret|passphrase)": ?"([^"]{4,})"/g)) {
      if (secret !== undefined) this.#secrets.add(secret);
    }
    // Each line of a key; the first ones are the same in many.
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
        assert.ok(!printed.includes(secret), `a secret is in:\n${printed}`);
      }
      assert.doesNotMatch(printed, /eyJ[\w-]{10,}/);
    }
  }
}

/** The step that failed: there is one, what is before it is done, and what is after it was not begun. */
export function failedStep({ report }: Diagnosis): DoctorStep {
  const index = report.steps.findIndex(({ status }) => status === 'failed');
  assert.ok(index >= 0, 'no step failed');
  for (const { status } of report.steps.slice(index + 1)) assert.equal(status, 'not-reached');
  const [failed] = report.steps.slice(index);
  assert.ok(failed?.problem !== undefined);
  return failed;
}

export function stepOf<Name extends DoctorStepName>(
  { report }: Diagnosis,
  name: Name,
): DoctorStep & { step: Name } {
  const found = report.steps.find(({ step }) => step === name);
  if (found === undefined) throw new Error(`there is no step ${name}`);
  return found as DoctorStep & { step: Name };
}

/** `configuration ok, fields ok, …` */
export function course({ report }: Diagnosis): string[] {
  return report.steps.map(({ step, status }) => `${step} ${status}`);
}
