import { setClockAhead } from '../measure/movable-clock.mjs';
import { longestLoopGap } from '../measure/loop-gap.mjs';
import { openCaller } from '../peers/callers.mjs';
import { startStubBox } from '../stage/stub-box.mjs';

const HOUR_MS = 3_600_000;

/** @type {import('../row.js').Row} */
export const row = {
  title:
    '10,000 calls at once: without a token, with one that has expired, with one that was revoked',
  subjects: [
    'a fixed token',
    'ours',
    'box-node-sdk',
    'google-auth-library',
    '@azure/core-rest-pipeline',
  ],
  units: {
    coldRequests: 'count',
    coldFailed: 'count',
    coldGap: 'ms',
    expiryRequests: 'count',
    expiryFailed: 'count',
    expiryGap: 'ms',
    refusedRequests: 'count',
    refusedFailed: 'count',
    refusedGap: 'ms',
  },
  rounds: 3,
  chart: {
    caption: 'Token requests of 10,000 calls whose token was revoked',
    figure: 'refusedRequests',
    subjects: ['ours', 'box-node-sdk'],
  },
  targets: ['cold', 'expiry', 'refused'].flatMap((phase) => [
    { subject: 'ours', figure: `${phase}Requests`, exactly: 1 },
    { subject: 'ours', figure: `${phase}Failed`, exactly: 0 },
    { subject: 'ours', figure: `${phase}Gap`, minus: 'a fixed token', atMost: 100 },
  ]),
  async measure(subject, stage) {
    setClockAhead(0);
    const box = await startStubBox();
    const call = await openCaller(subject, stage, box.url);
    const herd = async (/** @type {string} */ phase) => {
      await box.takeCounts();
      let failed = 0;
      const calls = () =>
        Array.from({ length: stage.isQuick ? 50 : 10_000 }, () =>
          call().catch(() => void (failed += 1)),
        );
      const gap = await longestLoopGap(() => Promise.all(calls()));
      const { tokenRequests } = await box.takeCounts();
      return {
        [`${phase}Requests`]: tokenRequests,
        [`${phase}Failed`]: failed,
        [`${phase}Gap`]: gap,
      };
    };
    const cold = await herd('cold');
    setClockAhead(HOUR_MS);
    await box.setClockAhead(HOUR_MS);
    const expiry = await herd('expiry');
    await box.revokeAll();
    const refused = await herd('refused');
    return { ...cold, ...expiry, ...refused };
  },
};
