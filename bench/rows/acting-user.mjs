import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { platforms, startApp, variants } from '../peers/acting-user.apps.mjs';

const autocannon = fileURLToPath(import.meta.resolve('autocannon'));
const CONNECTIONS = 32;

/** @type {import('../row.js').Row} */
export const row = {
  title: `A Nest app that knows whom each request acts for, ${CONNECTIONS} connections`,
  subjects: platforms.flatMap((platform) =>
    variants.map((variant) => subjectOf(platform, variant)),
  ),
  units: { rate: '/s', processor: 'us' },
  chart: {
    caption:
      'Requests a second of a Nest app on Express that knows the acting user (more is better)',
    figure: 'rate',
    subjects: [
      'Express: read from the request',
      'Express: AsyncLocalStorage',
      'Express: ours',
      'Express: a request-scoped provider',
    ],
  },
  rounds: 9,
  targets: platforms.map((platform) => ({
    subject: subjectOf(platform, 'ours'),
    figure: 'rate',
    over: subjectOf(platform, 'AsyncLocalStorage'),
    atLeast: 0.97,
  })),
  async measure(subject, stage) {
    const [platform = '', variant = ''] = subject.split(': ');
    const app = await startApp(platform, variant, stage);
    const url = `${await app.getUrl()}/me`;
    const body = await (await fetch(url, { headers: { 'x-demo-user': '11111' } })).text();
    if (!body.includes('11111')) throw new Error(`unexpected response: ${body}`);
    if (!stage.isQuick) await load(url, 1);
    const before = process.cpuUsage();
    const { rate, requests } = await load(url, stage.isQuick ? 0 : 3);
    const { user, system } = process.cpuUsage(before);
    await app.close();
    return { rate, processor: (user + system) / requests };
  },
};

/**
 * @param {string} platform
 * @param {string} variant
 */
function subjectOf(platform, variant) {
  return `${platform}: ${variant}`;
}

/**
 * Runs autocannon in its own process.
 *
 * @param {string} url
 * @param {number} seconds 0 for a few requests
 */
async function load(url, seconds) {
  const amount = seconds === 0 ? ['-a', '64'] : ['-d', String(seconds)];
  const { stdout } = await promisify(execFile)(process.execPath, [
    autocannon,
    '-j',
    '-c',
    String(CONNECTIONS),
    '-H',
    'x-demo-user=11111',
    ...amount,
    url,
  ]);
  /** @type {{ '2xx': number, non2xx: number, errors: number, duration: number }} */
  const result = JSON.parse(stdout);
  if (result.errors + result.non2xx > 0) throw new Error('some requests failed');
  return { rate: result['2xx'] / result.duration, requests: result['2xx'] };
}
