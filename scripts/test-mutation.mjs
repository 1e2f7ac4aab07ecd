// Mutation testing, one folder of lib at a time: `npm run test:mutation`, or `… -- core/tokens` for some of them.
import { spawnSync } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { root } from './command.mjs';

const LEAST_SCORE = 85;
const FOLDERS = [
  'core/runtime',
  'core/credentials',
  'core/token-endpoint',
  'core/tokens',
  'core/acting',
  'core/http',
  'box/credentials',
  'axios',
  'undici',
  'nest',
];

/** @typedef {{ killed: number, all: number }} Score */

const asked = process.argv.slice(2);
/** @type {Score} */
const total = { killed: 0, all: 0 };
for (const folder of asked.length > 0 ? asked : FOLDERS) {
  const score = await mutate(folder);
  console.log(`${folder}: ${percent(score)} % of ${score.all} mutants killed`);
  total.killed += score.killed;
  total.all += score.all;
}
console.log(`in all: ${percent(total)} % of ${total.all} mutants killed`);
process.exitCode = Number(percent(total)) >= LEAST_SCORE ? 0 : 1;

/**
 * @param {string} folder
 * @returns {Promise<Score>}
 */
async function mutate(folder) {
  const stryker = join(root, 'node_modules/.bin/stryker');
  const env = { ...process.env, MUTATED_FOLDER: folder };
  const { status } = spawnSync(process.execPath, [stryker, 'run', 'scripts/stryker.config.mjs'], {
    cwd: root,
    env,
    stdio: 'inherit',
  });
  if (status !== 0) throw new Error(`stryker ended with ${status}`);
  const report = await readFile(join(root, `reports/mutation/${folder}.json`), 'utf8');
  /** @type {{ files: Record<string, { mutants: { status: string }[] }> }} */
  // oxlint-disable-next-line typescript/no-unsafe-assignment -- as stryker writes it
  const { files } = JSON.parse(report);
  const statuses = Object.values(files).flatMap(({ mutants }) => mutants.map((one) => one.status));
  const count = (/** @type {string[]} */ ...wanted) =>
    statuses.filter((one) => wanted.includes(one)).length;
  const killed = count('Killed', 'Timeout');
  return { killed, all: killed + count('Survived', 'NoCoverage') };
}

/** @param {Score} score */
function percent({ killed, all }) {
  return ((100 * killed) / all).toFixed(1);
}
