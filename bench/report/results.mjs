import { writeFile } from 'node:fs/promises';
import { spreadOf } from '../measure/spread.mjs';
import { valuesOf } from '../measure/targets.mjs';
import { drawResults } from './picture.mjs';

/**
 * @typedef {object} RowResult
 * @property {string} name
 * @property {import('../row.js').Row} row
 * @property {import('../measure/rounds.mjs').Measurements} measurements
 * @property {import('../measure/targets.mjs').Verdict[]} verdicts
 */

/**
 * Writes results.json and results.svg beside run.mjs.
 *
 * @param {ReturnType<typeof import('../measure/machine.mjs').describeMachine>} machine
 * @param {readonly RowResult[]} results
 */
export async function writeResults(machine, results) {
  const folder = new URL('../', import.meta.url);
  const rows = results.map(({ name, row, measurements, verdicts }) => ({
    name,
    title: row.title,
    subjects: Object.fromEntries(
      row.subjects.map((subject) => [subject, figuresOf(row, measurements, subject)]),
    ),
    targets: verdicts.map(({ target, value, isMet }) => ({
      ...target,
      value: rounded(value),
      isMet,
    })),
  }));
  const date = new Date().toISOString().slice(0, 10);
  const json = JSON.stringify({ date, machine, rows }, null, 2);
  await writeFile(new URL('results.json', folder), `${json}\n`);
  await writeFile(new URL('results.svg', folder), drawResults(machine, results));
}

/**
 * @param {import('../row.js').Row} row
 * @param {import('../measure/rounds.mjs').Measurements} measurements
 * @param {string} subject
 */
function figuresOf(row, measurements, subject) {
  return Object.fromEntries(
    Object.entries(row.units).flatMap(([figure, unit]) => {
      const values = valuesOf(measurements, subject, figure);
      if (values.length === 0) return [];
      const { median, lower, upper } = spreadOf(values);
      const spread = { median: rounded(median), lower: rounded(lower), upper: rounded(upper) };
      return [[figure, { unit, ...spread, rounds: values.length }]];
    }),
  );
}

/** Rounds to three significant digits: more would be noise. */
function rounded(/** @type {number} */ value) {
  return Number(value.toPrecision(3));
}
