import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

/** @typedef {{ rowName: string, subjects: readonly string[], stage: import('../row.js').Stage }} Order */
/** @typedef {{ figures: import('../row.js').Figures[] } | { error: string }} Result */
/** @typedef {Record<string, import('../row.js').Figures[]>} Measurements The measurement of each round, by subject. */

const DEFAULT_ROUNDS = 7;
const entry = fileURLToPath(new URL('process.mjs', import.meta.url));

/**
 * Measures all subjects of a row in each round, each in its own process. The order changes from round to round, so that other
 * load affects all subjects alike. A quick run has one round in one process.
 *
 * @param {string} rowName
 * @param {import('../row.js').Row} row
 * @param {import('../row.js').Stage} stage
 * @returns {Promise<Measurements>}
 */
export async function measureInRounds(rowName, row, stage) {
  const { subjects } = row;
  /** @type {Measurements} */
  const measurements = Object.fromEntries(subjects.map((subject) => [subject, []]));
  const measure = async (/** @type {readonly string[]} */ measured) => {
    const figures = await measureInProcess(row, { rowName, subjects: measured, stage });
    for (const [index, found] of figures.entries()) {
      measurements[measured[index] ?? '']?.push(found);
    }
  };
  if (stage.isQuick) {
    await measure(subjects);
    return measurements;
  }
  for (let round = 0; round < (row.rounds ?? DEFAULT_ROUNDS); round++) {
    const first = round % subjects.length;
    for (const subject of [...subjects.slice(first), ...subjects.slice(0, first)]) {
      await measure([subject]);
    }
  }
  return measurements;
}

/**
 * @param {import('../row.js').Row} row
 * @param {Order} order
 */
async function measureInProcess(row, order) {
  const child = fork(entry, { execArgv: [...(row.nodeFlags ?? [])] });
  const exit = once(child, 'exit');
  child.send(order);
  /** @type {(Result | number | null)[]} */
  const [result] = await Promise.race([once(child, 'message'), exit]);
  const where = `${order.rowName}, ${order.subjects.join(' / ')}`;
  if (typeof result !== 'object' || result === null) {
    throw new Error(`${where}: the process ended with code ${result}`);
  }
  await exit;
  if ('error' in result) throw new Error(`${where}: ${result.error}`);
  return result.figures;
}
