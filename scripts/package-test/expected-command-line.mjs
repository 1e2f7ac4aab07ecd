import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CommandFailed, run } from '../command.mjs';
import { manifest } from '../manifest.mjs';
import { printedLines } from './printed-lines.mjs';

/** @type {import('./expected-calls.mjs').Expectation} */
export async function expectCommandLineWorks(folder) {
  const { bin, version } = /** @type {typeof manifest & { bin?: unknown, version: string }} */ (
    manifest
  );
  if (bin === undefined) return 'skipped: package.json has no bin';

  assert.equal(await npx(['--version'], folder), `${version}\n`);

  await printedLines(['write-config.cjs'], folder);
  const report = await npx(['doctor', '--offline', 'config.json'], folder);
  assert.match(report, /^ok .*key/m);
  const secrets = /"(?:clientSecret|passphrase)":"([^"]+)"/g;
  for (const [, secret = ''] of (await readFile(join(folder, 'config.json'), 'utf8')).matchAll(
    secrets,
  )) {
    assert.ok(!report.includes(secret), 'The report contains a secret.');
  }

  await assert.rejects(npx(['doctor', '--offline', 'no-such.json'], folder), CommandFailed);
}

/**
 * @param {string[]} args
 * @param {string} folder
 */
async function npx(args, folder) {
  const { stdout } = await run('npx', ['--no', '--', manifest.name, ...args], { cwd: folder });
  return stdout;
}
