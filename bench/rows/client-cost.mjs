import { measureOverBare } from '../measure/alternating.mjs';
import { clientNames } from '../peers/clients.mjs';
import { startStubBox } from '../stage/stub-box.mjs';

/** The CPU time of a call over that of the bare client, at most. */
/** @type {Readonly<Record<string, number>>} */
const limits = {
  'undici request': 1.15,
  'undici fetch': 1.15,
  BoxFetch: 1.05,
  axios: 1.05,
  HttpService: 1.05,
  'SDK of Box': 1.02,
};

/** @type {import('../row.js').Row} */
export const row = {
  title:
    'CPU time of a call, over the bare client with bearer and as-user set by hand, 16 at a time',
  subjects: clientNames,
  units: { cpu: 'x', rate: 'x', instructions: 'x', bare: 'us', ours: 'us' },
  rounds: 3,
  targets: clientNames.flatMap((subject) => [
    { subject, figure: 'cpu', atMost: limits[subject] ?? NaN },
    { subject, figure: 'rate', atLeast: 0.95 },
  ]),
  async measure(subject, stage) {
    const { url } = await startStubBox();
    return measureOverBare(subject, url, stage);
  },
};
