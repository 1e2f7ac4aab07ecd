// Measures subjects of one row in a process that rounds.mjs starts, and sends it the results.
import process from 'node:process';

process.once('message', (/** @type {import('./rounds.mjs').Order} */ order) => {
  measured(order).then(
    (figures) => reply({ figures }),
    (/** @type {unknown} */ error) =>
      reply({ error: error instanceof Error ? String(error.stack) : String(error) }),
  );
});

/** @param {import('./rounds.mjs').Order} order */
async function measured({ rowName, subjects, stage }) {
  /** @type {{ row: import('../row.js').Row }} */
  const { row } = await import(`../rows/${rowName}.mjs`);
  const figures = [];
  for (const subject of subjects) figures.push(await row.measure(subject, stage));
  return figures;
}

/** @param {import('./rounds.mjs').Result} found */
function reply(found) {
  process.send?.(found, () => process.exit());
}
