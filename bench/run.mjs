// Measures this package and its peers: `npm run bench`. See bench/README.md.
import { readdirSync } from 'node:fs';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { describeMachine } from './measure/machine.mjs';
import { measureInRounds } from './measure/rounds.mjs';
import { checkTargets } from './measure/targets.mjs';
import { printRow } from './report/table.mjs';
import { writeResults } from './report/results.mjs';
import { makeKeys } from './stage/keys.mjs';
import { buildPackage, installPackage, installPeers } from './stage/package.mjs';
import { startRedisServer } from './stage/redis-server.mjs';

const all = readdirSync(fileURLToPath(new URL('rows', import.meta.url)))
  .filter((file) => file.endsWith('.mjs'))
  .map((file) => file.slice(0, -'.mjs'.length));

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    quick: { type: 'boolean', default: false },
    built: { type: 'boolean', default: false },
    rounds: { type: 'string' },
  },
});
const isQuick = values.quick;
const names = positionals.length === 0 ? all : positionals;
const unknown = names.filter((name) => !all.includes(name));
if (unknown.length > 0) {
  console.error(`Unknown row: ${unknown.join(', ')}. Rows: ${all.join(', ')}.`);
  process.exit(2);
}

installPeers();
if (!values.built) buildPackage();
installPackage();
const machine = describeMachine();
console.log(Object.values(machine).join(' | '));

// Child processes end with this process, also when it is interrupted.
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(1));
const redis = await startRedisServer();
let isWrong = false;
try {
  /** @type {import('./row.js').Stage} */
  const stage = { isQuick, ...makeKeys(), redisUrl: redis?.url };
  /** @type {import('./report/results.mjs').RowResult[]} */
  const results = [];
  for (const name of names) {
    /** @type {{ row: import('./row.js').Row }} */
    const { row } = await import(`./rows/${name}.mjs`);
    const missing = row.isMissing?.(stage);
    if (missing !== undefined) {
      console.log(`\n${name}: left out, ${missing}`);
      continue;
    }
    const rounds = values.rounds === undefined ? row.rounds : Number(values.rounds);
    const measurements = await measureInRounds(name, { ...row, rounds }, stage);
    const verdicts = checkTargets(row, measurements);
    printRow(name, row, measurements, verdicts, isQuick);
    isWrong ||= verdicts.some(({ target, isMet }) => target.exactly !== undefined && !isMet);
    results.push({ name, row, measurements, verdicts });
  }
  if (!isQuick && positionals.length === 0) await writeResults(machine, results);
} finally {
  redis?.stop();
}
if (isWrong) {
  console.error('\nA count is wrong: see the rows above.');
  process.exitCode = 1;
}
