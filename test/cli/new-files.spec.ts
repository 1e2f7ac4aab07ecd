import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { CliError } from '../../lib/cli/cli-context.js';
import { pathsOfNewFiles, writeNewFiles } from '../../lib/cli/new-files.js';
import { newFolder } from './cli-fixture.js';

const filesIn = (folder: string, ...names: string[]) =>
  names.map((name) => ({ path: join(folder, name), content: 'new', isSecret: true }));

describe('New files', () => {
  it('are written all or none, and never overwrite a file created in the meantime', () => {
    const folder = newFolder();
    pathsOfNewFiles(folder, ['a', 'b']);
    writeFileSync(join(folder, 'b'), 'precious');
    expect(() => writeNewFiles(filesIn(folder, 'a', 'b'))).toThrow(CliError);
    expect(readdirSync(folder)).toEqual(['b']);
    expect(readFileSync(join(folder, 'b'), 'utf8')).toBe('precious');
  });

  it('are all named if they already exist', () => {
    const folder = newFolder();
    for (const name of ['a', 'c']) writeFileSync(join(folder, name), '');
    expect(() => pathsOfNewFiles(folder, ['a', 'b', 'c'])).toThrow(
      `${folder}/a and ${folder}/c already exist.`,
    );
  });

  it('report why they cannot be written', () => {
    const folder = newFolder();
    expect(() => writeNewFiles(filesIn(join(folder, 'gone'), 'a'))).toThrow(
      `Cannot write to ${folder}/gone (ENOENT).`,
    );
  });
});
