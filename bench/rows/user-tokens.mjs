import { setTimeout as delay } from 'node:timers/promises';
import { longestLoopGap } from '../measure/loop-gap.mjs';
import { openBoxSdk } from '../peers/box-node-sdk.mjs';
import { openGoogleAuth } from '../peers/google-auth-library.mjs';
import { openBoxAuth } from '../peers/nestjs-box-auth.mjs';
import { startStubBox } from '../stage/stub-box.mjs';

const USERS = 200;

/** @typedef {(user: string) => Promise<unknown>} Mint */

/** @type {Record<string, (stage: import('../row.js').Stage, url: string) => Promise<Mint>>} */
const minters = {
  idle: async () => () => delay(300),
  async ours(stage, url) {
    const provider = await openBoxAuth(stage, url);
    return (id) => provider.getToken({ subject: { type: 'user', id } });
  },
  async 'box-node-sdk'({ config }, url) {
    const { auth, tokenSession } = await openBoxSdk(config, url);
    return (id) => auth.withUserSubject(id).retrieveToken(tokenSession);
  },
  'google-auth-library': async (stage, url) => (id) =>
    openGoogleAuth(stage, url, id).getAccessToken(),
};

/** @type {import('../row.js').Row} */
export const row = {
  title: 'The event loop while the tokens of 200 users are minted at once',
  subjects: Object.keys(minters),
  units: { gap: 'ms', tokenRequests: 'count' },
  chart: {
    caption: 'Longest event loop gap while 200 user tokens are minted',
    figure: 'gap',
    subjects: ['idle', 'ours', 'google-auth-library', 'box-node-sdk'],
  },
  targets: [
    { subject: 'ours', figure: 'gap', atMost: 10 },
    { subject: 'ours', figure: 'tokenRequests', exactly: USERS },
  ],
  async measure(subject, stage) {
    const box = await startStubBox();
    const mint = await minters[subject]?.(stage, box.url);
    if (mint === undefined) throw new Error('unknown subject');
    // One user first, so that loading code and opening a connection is not measured.
    await mint('99999');
    await box.takeCounts();
    const gap = await longestLoopGap(() =>
      Promise.all(Array.from({ length: USERS }, (_, index) => mint(String(10_000 + index)))),
    );
    const { tokenRequests } = await box.takeCounts();
    return { gap, tokenRequests };
  },
};
