import { JWT } from 'google-auth-library';
import { BoxJwtAuth, JwtConfig } from 'box-node-sdk';
import { openWithCachedSubjects, subjectOf, tokenValue } from '../stage/cached-subjects.mjs';

const SUBJECTS = 100_000;

/** @typedef {(count: number) => Promise<unknown>} Fill Returns what keeps it all in memory. */

/** @type {Record<string, (stage: import('../row.js').Stage, count: number) => Promise<Fill>>} */
const holders = {
  async ours(stage, count) {
    const { provider, mintAll } = await openWithCachedSubjects(stage, count);
    return async () => {
      await mintAll();
      return provider;
    };
  },
  async 'box-node-sdk, a BoxJwtAuth each'({ config }) {
    const auth = new BoxJwtAuth({
      config: JwtConfig.fromConfigJsonString(JSON.stringify(config)),
    });
    return async (count) => {
      const users = Array.from({ length: count }, (_, index) =>
        auth.withUserSubject(subjectOf(index).id),
      );
      for (const [index, user] of users.entries()) {
        await user.tokenStorage.store({ accessToken: tokenValue(index), expiresIn: 3600 });
      }
      return users;
    };
  },
  async 'google-auth-library, a JWT each'({ plainKey }) {
    return async (count) =>
      Array.from({ length: count }, (_, index) => {
        const client = new JWT({ email: 'bench', key: plainKey, subject: subjectOf(index).id });
        client.setCredentials({
          access_token: tokenValue(index),
          expiry_date: Date.now() + 3_600_000,
        });
        return client;
      });
  },
};

/** @type {import('../row.js').Row} */
export const row = {
  title: 'Memory of 100,000 cached subjects, each, after a full garbage collection',
  subjects: Object.keys(holders),
  units: { memory: 'B' },
  chart: {
    caption: 'Memory of a cached subject, of 100,000',
    figure: 'memory',
    subjects: ['ours', 'box-node-sdk, a BoxJwtAuth each', 'google-auth-library, a JWT each'],
  },
  rounds: 3,
  nodeFlags: ['--expose-gc'],
  targets: [{ subject: 'ours', figure: 'memory', atMost: 1024 }],
  async measure(subject, stage) {
    const count = stage.isQuick ? 500 : SUBJECTS;
    const fill = await holders[subject]?.(stage, count);
    if (fill === undefined) throw new Error('unknown subject');
    const before = await usedAfterCollection();
    const kept = await fill(count);
    const memory = ((await usedAfterCollection()) - before) / count;
    if (kept === undefined) throw new Error('nothing was kept');
    return { memory };
  },
};

async function usedAfterCollection() {
  for (let turn = 0; turn < 3; turn++) {
    await new Promise((resolve) => setImmediate(resolve));
    globalThis.gc?.();
  }
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}
