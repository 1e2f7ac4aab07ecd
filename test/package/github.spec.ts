import { readdirSync, readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { describe, expect, it } from 'vitest';

const folder = new URL('../../.github/', import.meta.url);
const files = (path: string) => readdirSync(new URL(path, folder)).map((name) => `${path}${name}`);
const read = (path: string) => readFileSync(new URL(path, folder), 'utf8');

describe('The workflows', () => {
  it.each(files('workflows/'))('%s has jobs with steps and narrow permissions', (path) => {
    const { permissions, jobs } = parse(read(path)) as Workflow;
    expect(permissions).toEqual({ contents: 'read' });
    for (const job of Object.values(jobs)) {
      if (job.uses !== undefined) expect(files('workflows/')).toContain(job.uses.slice(10));
      else expect(job.steps.every(({ run, uses }) => (run ?? uses) !== undefined)).toBe(true);
    }
  });

  it('run everything on each version of Node that the package supports', () => {
    const { jobs } = parse(read('workflows/ci.yml')) as Workflow;
    expect(jobs['run']?.strategy?.matrix.node).toEqual([20, 22, 24, 26]);
    expect(jobs['run']?.steps.map(({ run }) => run)).toContain('.ci/run');
  });

  it('publish with provenance', () => {
    const { jobs } = parse(read('workflows/release.yml')) as Workflow;
    expect(jobs['publish']?.permissions).toMatchObject({ 'id-token': 'write' });
    expect(jobs['publish']?.steps.map(({ run }) => run).join('\n')).toContain(
      'npm publish --provenance',
    );
  });
});

describe('The issue forms', () => {
  it.each(files('ISSUE_TEMPLATE/').filter((path) => !path.endsWith('/config.yml')))(
    '%s has what GitHub requires',
    (path) => {
      const form = parse(read(path)) as Form;
      expect([form.name, form.description].every((text) => text.length > 3)).toBe(true);
      const fields = form.body.filter(({ type }) => type !== 'markdown');
      const ids = fields.map(({ id }) => id);
      expect(ids).toEqual([...new Set(ids)]);
      for (const { type, attributes } of fields) {
        expect(['input', 'textarea', 'dropdown', 'checkboxes']).toContain(type);
        expect(attributes.label).toMatch(/\w/);
      }
    },
  );

  it('ask for the output of the doctor', () => {
    const { body } = parse(read('ISSUE_TEMPLATE/bug.yml')) as Form;
    const doctor = body.find(({ id }) => id === 'doctor');
    expect(doctor?.attributes.description).toContain('npx nestjs-box-auth doctor --json');
    expect(doctor?.validations?.required).toBe(true);
  });
});

interface Workflow {
  readonly permissions: object;
  readonly jobs: Readonly<Record<string, Job>>;
}

interface Job {
  readonly uses?: string;
  readonly permissions?: object;
  readonly strategy?: { readonly matrix: { readonly node: readonly number[] } };
  readonly steps: readonly { readonly run?: string; readonly uses?: string }[];
}

interface Form {
  readonly name: string;
  readonly description: string;
  readonly body: readonly {
    readonly type: string;
    readonly id?: string;
    readonly attributes: { readonly label?: string; readonly description?: string };
    readonly validations?: { readonly required?: boolean };
  }[];
}
