import { medianOf } from './spread.mjs';

/** @typedef {{ target: import('../row.js').Target, value: number, isMet: boolean }} Verdict */

/**
 * Compares the measurements with the targets of a row.
 *
 * @param {import('../row.js').Row} row
 * @param {import('./rounds.mjs').Measurements} measurements
 * @returns {Verdict[]}
 */
export function checkTargets(row, measurements) {
  return row.targets.map((target) => {
    const value = valueOf(target, measurements);
    const { atMost = Infinity, atLeast = -Infinity, exactly = value } = target;
    return { target, value, isMet: value <= atMost && value >= atLeast && value === exactly };
  });
}

/**
 * @param {import('../row.js').Target} target
 * @param {import('./rounds.mjs').Measurements} measurements
 */
function valueOf({ subject, figure, over, minus }, measurements) {
  const own = valuesOf(measurements, subject, figure);
  if (over !== undefined) {
    const others = valuesOf(measurements, over, figure);
    return medianOf(own.map((value, round) => value / (others[round] ?? NaN)));
  }
  return minus === undefined
    ? medianOf(own)
    : medianOf(own) - medianOf(valuesOf(measurements, minus, figure));
}

/**
 * @param {import('./rounds.mjs').Measurements} measurements
 * @param {string} subject
 * @param {string} figure
 */
export function valuesOf(measurements, subject, figure) {
  return (measurements[subject] ?? []).flatMap((figures) => figures[figure] ?? []);
}
