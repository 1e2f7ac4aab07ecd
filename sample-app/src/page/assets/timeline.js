// The events of the last two minutes, one lane for each kind of token.
import { find, shape } from './dom.js';
import { holderOf, symbolOf } from './event-text.js';

const SPAN_MS = 120_000;
const LANE_HEIGHT = 34;
const TOP = 20;
const EDGE = 10;

const timeline = find('#timeline');

/** A symbol around the point 0, 0. */
export function symbol(name) {
  const shapes = {
    new: () => shape('circle', { r: 5 }),
    shared: () => shape('circle', { r: 4, class: 'open' }),
    refreshed: () => shape('rect', { x: -4.5, y: -4.5, width: 9, height: 9, rx: 1 }),
    replaced: () => shape('path', { d: 'M0 -6 L6 5 H-6 Z' }),
    kept: () => shape('circle', { r: 2.5 }),
    failed: () => shape('path', { d: 'M-5 -5 L5 5 M5 -5 L-5 5', class: 'open' }),
    fault: () => shape('path', { d: 'M2 -7 L-4 1 H0 L-2 7 L4 -1 H0 Z' }),
    other: () => shape('path', { d: 'M0 -6 L6 0 L0 6 L-6 0 Z' }),
  };
  return shape('g', { class: `symbol ${name}` }, shapes[name]());
}

export function drawTimeline(events) {
  const now = Date.now();
  const recent = events.filter(({ at }) => now - at < SPAN_MS);
  const lanes = [...new Set(recent.filter(hasLane).map(holderOf))].toSorted((a, b) =>
    a.localeCompare(b),
  );
  const width = timeline.clientWidth;
  const height = TOP + Math.max(lanes.length, 1) * LANE_HEIGHT + 20;
  const xOf = (at) => EDGE + (1 - (now - at) / SPAN_MS) * (width - 2 * EDGE);
  const yOf = (event) =>
    TOP + (hasLane(event) ? lanes.indexOf(holderOf(event)) + 0.7 : 0) * LANE_HEIGHT;

  timeline.setAttribute('viewBox', `0 0 ${width} ${height}`);
  timeline.setAttribute('height', String(height));
  timeline.replaceChildren(
    ...lanes.flatMap((name, lane) => drawLane(name, TOP + lane * LANE_HEIGHT, width)),
    ...recent.filter(({ kind }) => kind === 'fault').map(({ at }) => drawFault(xOf(at), height)),
    ...recent.map((event) => {
      const drawn = symbol(symbolOf(event));
      drawn.setAttribute(
        'transform',
        `translate(${xOf(event.at)} ${event.kind === 'fault' ? 10 : yOf(event)})`,
      );
      return drawn;
    }),
    ...drawAxis(width, height, xOf, now),
  );
}

const hasLane = (event) => 'subjectType' in event;

function drawLane(name, y, width) {
  const line = y + 0.7 * LANE_HEIGHT;
  return [
    shape('text', { x: EDGE, y: y + 10 }, name),
    shape('line', { x1: EDGE, x2: width - EDGE, y1: line, y2: line }),
  ];
}

function drawFault(x, height) {
  return shape('line', { x1: x, x2: x, y1: 18, y2: height - 18, class: 'fault' });
}

function drawAxis(width, height, xOf, now) {
  const ticks = [
    [now - SPAN_MS, '2 min ago', 'start'],
    [now - SPAN_MS / 2, '1 min ago', 'middle'],
    [now, 'now', 'end'],
  ];
  return ticks.map(([at, text, anchor]) =>
    shape('text', { x: xOf(at), y: height - 4, 'text-anchor': anchor }, text),
  );
}
