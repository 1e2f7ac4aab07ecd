import { medianOf } from '../measure/spread.mjs';
import { valuesOf } from '../measure/targets.mjs';
import { asText } from './wording.mjs';

const WIDTH = 760;
const LABEL = 270;
const BARS = 370;
const LINE = 20;

/** No background, and colours that are readable on white and on black. */
const STYLE = `
  text { font: 12px system-ui, sans-serif; fill: #57606a; }
  .caption { font-weight: 600; fill: #24292f; }
  .other { fill: #8c959f; }
  .ours { fill: #2da44e; }
  @media (prefers-color-scheme: dark) {
    text { fill: #9198a1; }
    .caption { fill: #f0f6fc; }
  }`;

/**
 * Draws the charts of rows that have one: bars of medians, each chart with its own scale.
 *
 * @param {ReturnType<typeof import('../measure/machine.mjs').describeMachine>} machine
 * @param {readonly import('./results.mjs').RowResult[]} results
 */
export function drawResults(machine, results) {
  let y = 0;
  const charts = results.flatMap((result) => {
    const bars = barsOf(result);
    if (bars.length === 0) return [];
    const drawn = drawChart(result.row.chart?.caption ?? '', bars, y);
    y += (bars.length + 2) * LINE;
    return [drawn];
  });
  const note = `Medians. ${machine.cpu}, ${machine.cores} cores, Node ${machine.node}, ${machine.os}.`;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${y + LINE}" width="${WIDTH}" role="img" aria-label="Benchmarks of nestjs-box-auth beside its peers">
<style>${STYLE}
</style>
${charts.join('\n')}
${textAt(0, y + 14, note)}
</svg>
`;
}

/** @typedef {{ subject: string, value: number, text: string }} Bar */

/**
 * @param {import('./results.mjs').RowResult} result
 * @returns {Bar[]}
 */
function barsOf({ row, measurements }) {
  const { chart } = row;
  if (chart === undefined) return [];
  return chart.subjects.map((subject) => {
    const value = medianOf(valuesOf(measurements, subject, chart.figure));
    return { subject, value, text: asText(value, row.units[chart.figure] ?? 'count') };
  });
}

/**
 * @param {string} caption
 * @param {readonly Bar[]} bars
 * @param {number} top
 */
function drawChart(caption, bars, top) {
  const longest = Math.max(...bars.map(({ value }) => value), Number.MIN_VALUE);
  const lines = bars.map(({ subject, value, text }, index) => {
    const y = top + (index + 1) * LINE;
    const width = Math.max((value / longest) * BARS, 1).toFixed(1);
    const kind = /\bours\b|^getToken/.test(subject) ? 'ours' : 'other';
    return [
      textAt(0, y + 14, subject),
      `<rect class="${kind}" x="${LABEL}" y="${y + 4}" width="${width}" height="12" rx="2"/>`,
      textAt(LABEL + Number(width) + 6, y + 14, text),
    ].join('\n');
  });
  return [textAt(0, top + 14, caption, 'caption'), ...lines].join('\n');
}

/**
 * @param {number} x
 * @param {number} y
 * @param {string} text
 * @param {string} [kind]
 */
function textAt(x, y, text, kind) {
  const plain = text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
  return `<text${kind === undefined ? '' : ` class="${kind}"`} x="${x}" y="${y}">${plain}</text>`;
}
