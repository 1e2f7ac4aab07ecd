import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';

const manifest = JSON.parse(
  readFileSync(new URL('../../package.json', import.meta.url), 'utf8'),
) as Record<'dependencies' | 'peerDependencies' | 'peerDependenciesMeta', Record<string, unknown>>;

it('The package has three dependencies; all other libraries are peers', () => {
  expect(Object.keys(manifest.dependencies)).toEqual(['commander', 'lru-cache', 'valibot']);
  const required = Object.keys(manifest.peerDependencies).filter(
    (name) => !(name in manifest.peerDependenciesMeta),
  );
  expect(required).toEqual(['rxjs']);
});
