import { setTimeout as delay } from 'node:timers/promises';
import { setClockAhead } from '../measure/movable-clock.mjs';
import { openCaller } from '../peers/callers.mjs';
import { startStubBox } from '../stage/stub-box.mjs';

const TOKEN_DELAY_MS = 400;
const MINUTE_MS = 60_000;
const MINUTES = [46, 48, 50, 52, 54, 56, 58, 58.5, 59.5, 61];

/** @type {import('../row.js').Row} */
export const row = {
  title:
    'A call every 4 ms while a token of an hour grows old and is renewed, which takes Box 400 ms: who notices?',
  subjects: ['ours', 'box-node-sdk', 'google-auth-library', '@azure/core-rest-pipeline'],
  units: {
    tokenRequests: 'count',
    refusedCalls: 'count',
    failedCalls: 'count',
    waitingCalls: 'count',
    longestCall: 'ms',
  },
  rounds: 5,
  chart: {
    caption: 'Calls that wait while a token is renewed under load',
    figure: 'waitingCalls',
    subjects: ['ours', 'google-auth-library', '@azure/core-rest-pipeline', 'box-node-sdk'],
  },
  targets: [
    { subject: 'ours', figure: 'tokenRequests', exactly: 1 },
    { subject: 'ours', figure: 'refusedCalls', exactly: 0 },
    { subject: 'ours', figure: 'failedCalls', exactly: 0 },
    { subject: 'ours', figure: 'waitingCalls', atMost: 0 },
  ],
  async measure(subject, stage) {
    setClockAhead(0);
    const box = await startStubBox({ tokenDelayMs: TOKEN_DELAY_MS });
    const call = await openCaller(subject, stage, box.url);
    await call();
    await box.takeCounts();

    /** @type {Promise<number>[]} */
    const durations = [];
    let failedCalls = 0;
    const load = setInterval(() => {
      const begun = performance.now();
      const end = () => performance.now() - begun;
      durations.push(
        call().then(end, () => {
          failedCalls += 1;
          return end();
        }),
      );
    }, 4);
    // From before any refresh until after the expiry of the old token. The hour passes in steps.
    for (const minute of stage.isQuick ? [46, 50, 61] : MINUTES) {
      setClockAhead(minute * MINUTE_MS);
      await box.setClockAhead(minute * MINUTE_MS);
      await delay(TOKEN_DELAY_MS * 1.5);
    }
    clearInterval(load);
    const ended = await Promise.all(durations);
    const { tokenRequests, refusedCalls } = await box.takeCounts();
    return {
      tokenRequests,
      refusedCalls,
      failedCalls,
      waitingCalls: ended.filter((ms) => ms > TOKEN_DELAY_MS / 2).length,
      longestCall: Math.max(...ended),
    };
  },
};
