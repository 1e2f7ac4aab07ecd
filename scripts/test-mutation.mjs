// Mutation testing, one folder of lib at a time: `npm run test:mutation`, or `… -- core/tokens` for some of them.
// `… -- --changed` reuses the results of mutants whose file and tests are unchanged since the last run.
import { spawnSync } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { root } from './command.mjs';

const MIN_SCORE = 85;
const FOLDERS = [
  'core/runtime',
  'core/errors',
  'core/events',
  'core/credentials',
  'core/token-endpoint',
  'core/tokens',
  'core/connections',
  'core/acting',
  'core/http',
  'core/app',
  'box/credentials',
  'axios',
  'undici',
  'nest',
];

/** @typedef {{ killed: number, timedOut: number, all: number }} Score, where `timedOut` is part of `killed` */

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { changed: { type: 'boolean', default: false } },
});
/** @type {Map<string, Score>} */
const scores = new Map();
for (const folder of positionals.length > 0 ? positionals : FOLDERS) {
  scores.set(folder, await mutate(folder));
}
for (const [folder, score] of scores) {
  const { all, timedOut } = score;
  console.log(`${folder}: ${percent(score)} % of ${all} mutants killed (${timedOut} timed out)`);
  if (percent(score) < MIN_SCORE) process.exitCode = 1;
}

/**
 * @param {string} folder
 * @returns {Promise<Score>}
 */
async function mutate(folder) {
  const stryker = join(root, 'node_modules/.bin/stryker');
  const env = { ...process.env, MUTATED_FOLDER: folder };
  const args = [
    stryker,
    'run',
    'scripts/stryker.config.mjs',
    ...(values.changed ? [] : ['--force']),
  ];
  const { status } = spawnSync(process.execPath, args, { cwd: root, env, stdio: 'inherit' });
  if (status !== 0) throw new Error(`stryker ended with ${status}`);
  const report = await readFile(join(root, `reports/mutation/${folder}.json`), 'utf8');
  /** @type {{ files: Record<string, { mutants: { status: string }[] }> }} */
  // oxlint-disable-next-line typescript/no-unsafe-assignment -- as stryker writes it
  const { files } = JSON.parse(report);
  const statuses = Object.values(files).flatMap(({ mutants }) => mutants.map((one) => one.status));
  const count = (/** @type {string[]} */ ...wanted) =>
    statuses.filter((one) => wanted.includes(one)).length;
  const timedOut = count('Timeout');
  const killed = count('Killed') + timedOut;
  return { killed, timedOut, all: killed + count('Survived', 'NoCoverage') };
}

/** @param {Score} score */
function percent({ killed, all }) {
  return Math.floor((1000 * killed) / all) / 10;
}
