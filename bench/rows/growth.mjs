import { perCall } from '../measure/per-call.mjs';
import { openWithCachedSubjects, subjectOf } from '../stage/cached-subjects.mjs';

/** The number of cached subjects, and how many of them, spread evenly, are requested. */
const CACHES = {
  '1 subject': { size: 1, asked: 1 },
  '1,000 subjects': { size: 1_000, asked: 100 },
  '100,000 subjects': { size: 100_000, asked: 100 },
  '100,000 subjects, all asked for': { size: 100_000, asked: 100_000 },
};

/** @type {Record<string, { size: number, asked: number, open: typeof ours }>} */
const subjects = Object.fromEntries(
  Object.entries(CACHES).flatMap(([name, cache]) => [
    [`a Map, ${name}`, { ...cache, open: aMap }],
    [`ours, ${name}`, { ...cache, open: ours }],
  ]),
);

/** @type {import('../row.js').Row} */
export const row = {
  title: 'getToken by how many subjects are cached; 100 of them are asked for, in no order',
  subjects: Object.keys(subjects),
  units: { time: 'ns' },
  rounds: 3,
  nodeFlags: ['--expose-gc'],
  targets: ['1,000 subjects', '100,000 subjects'].map((size) => ({
    subject: `ours, ${size}`,
    figure: 'time',
    over: 'ours, 1 subject',
    atMost: 2,
  })),
  async measure(subject, stage) {
    const chosen = subjects[subject];
    if (chosen === undefined) throw new Error('unknown subject');
    const size = stage.isQuick ? Math.min(chosen.size, 200) : chosen.size;
    const asked = Math.min(chosen.asked, size);
    const get = await chosen.open(stage, size);
    const demands = inNoOrder(size, asked).map((index) => ({ subject: subjectOf(index) }));
    let next = 0;
    const call = () => {
      next = next + 1 === asked ? 0 : next + 1;
      const demand = demands[next];
      return demand === undefined ? undefined : get(demand);
    };
    return { time: (await perCall(call, stage)).ns };
  },
};

/** @typedef {(demand: { subject: ReturnType<typeof subjectOf> }) => Promise<unknown>} Get */

/**
 * @param {import('../row.js').Stage} stage
 * @param {number} size
 * @returns {Promise<Get>}
 */
async function ours(stage, size) {
  const { provider, mintAll } = await openWithCachedSubjects(stage, size);
  await mintAll();
  return (demand) => provider.getToken(demand);
}

/**
 * The minimum cost of looking up that many.
 *
 * @param {import('../row.js').Stage} _
 * @param {number} size
 * @returns {Promise<Get>}
 */
async function aMap(_, size) {
  const tokens = new Map(
    Array.from({ length: size }, (__, index) => [`user:${subjectOf(index).id}`, { index }]),
  );
  return async ({ subject: { type, id } }) => tokens.get(`${type}:${id}`);
}

/**
 * Returns `asked` of the numbers from 0 to `size` - 1, with a step that is coprime to the size.
 *
 * @param {number} size
 * @param {number} asked
 */
function inNoOrder(size, asked) {
  return Array.from({ length: asked }, (_, index) => (index * 7_919) % size);
}
