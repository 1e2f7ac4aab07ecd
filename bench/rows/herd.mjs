import { setClockAhead } from '../measure/movable-clock.mjs';
import { longestLoopGap } from '../measure/loop-gap.mjs';
import { openCaller } from '../peers/callers.mjs';
import { startStubBox } from '../stage/stub-box.mjs';

const HOUR_MS = 3_600_000;
const CALLS = 10_000;
const QUICK_CALLS = 50;
/** A subject that requests a token per call opens a connection per call, so 10,000 calls take minutes. */
const FEWER_CALLS = { subject: 'box-node-sdk, 1,000 calls', caller: 'box-node-sdk', calls: 1_000 };

/** @type {import('../row.js').Row} */
export const row = {
  title:
    '10,000 calls at once: without a token, with one that has expired, with one that was revoked',
  subjects: [
    'a fixed token',
    'ours',
    FEWER_CALLS.subject,
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
    caption: 'Token requests of calls whose token was revoked',
    figure: 'refusedRequests',
    subjects: ['ours', FEWER_CALLS.subject],
  },
  targets: ['cold', 'expiry', 'refused'].flatMap((phase) => [
    { subject: 'ours', figure: `${phase}Requests`, exactly: 1 },
    { subject: 'ours', figure: `${phase}Failed`, exactly: 0 },
    { subject: 'ours', figure: `${phase}Gap`, minus: 'a fixed token', atMost: 100 },
  ]),
  async measure(subject, stage) {
    setClockAhead(0);
    const box = await startStubBox();
    const { caller, calls } =
      subject === FEWER_CALLS.subject ? FEWER_CALLS : { caller: subject, calls: CALLS };
    const call = await openCaller(caller, stage, box.url);
    const herd = async (/** @type {string} */ phase) => {
      await box.takeCounts();
      let failed = 0;
      const all = () =>
        Array.from({ length: stage.isQuick ? QUICK_CALLS : calls }, () =>
          call().catch(() => void (failed += 1)),
        );
      const gap = await longestLoopGap(() => Promise.all(all()));
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
