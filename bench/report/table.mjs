import { spreadOf } from '../measure/spread.mjs';
import { valuesOf } from '../measure/targets.mjs';
import { asText, targetText, verdictText } from './wording.mjs';

/**
 * Prints a row: a line for each subject with median and quartiles, then its targets. A quick run prints only counts.
 *
 * @param {string} name
 * @param {import('../row.js').Row} row
 * @param {import('../measure/rounds.mjs').Measurements} measurements
 * @param {readonly import('../measure/targets.mjs').Verdict[]} verdicts
 * @param {boolean} isQuick
 */
export function printRow(name, row, measurements, verdicts, isQuick) {
  console.log(`\n${name}: ${row.title}`);
  const shown = Object.entries(row.units).filter(([, unit]) => !isQuick || unit === 'count');
  const width = Math.max(...row.subjects.map((subject) => subject.length));
  for (const subject of row.subjects) {
    const cells = shown.flatMap(([figure, unit]) => {
      const values = valuesOf(measurements, subject, figure);
      return values.length === 0 ? [] : `${figure} ${spreadText(values, unit)}`;
    });
    console.log(`  ${subject.padEnd(width)}  ${cells.join('   ') || 'ran'}`);
  }
  for (const verdict of verdicts) {
    if (isQuick && verdict.target.exactly === undefined) continue;
    console.log(`  ${verdictText(verdict)}  ${targetText(verdict, row)}`);
  }
}

/**
 * @param {readonly number[]} values
 * @param {import('../row.js').Unit} unit
 */
function spreadText(values, unit) {
  const { median, lower, upper } = spreadOf(values);
  const text = asText(median, unit);
  return values.length === 1 || lower === upper
    ? text
    : `${text} [${asText(lower, unit)} … ${asText(upper, unit)}]`;
}
