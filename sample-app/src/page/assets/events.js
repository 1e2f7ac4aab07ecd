// Live token events: a timeline, and the same as text.
import { element, find, shape } from './dom.js';
import { KINDS, symbolOf, textOf } from './event-text.js';
import { timeOf } from './format.js';
import { drawTimeline, symbol } from './timeline.js';

const MAX_EVENTS = 500;
const MAX_ROWS = 12;

const list = find('#events');
const empty = find('#no-events');
let events = [];
// The rows since the latest fault, by their text.
const shown = new Map();

let stream;

/** Streams are closed in hidden pages: browsers allow six connections to a server, over all tabs. */
function watch() {
  stream?.close();
  if (document.hidden) return;
  stream = new EventSource('/api/events');
  // The stream begins with the latest events, also after the connection was lost.
  stream.addEventListener('open', () => {
    events = [];
    shown.clear();
    list.replaceChildren();
  });
  for (const kind of KINDS) stream.addEventListener(kind, ({ data }) => add(JSON.parse(data)));
}

/** Adds a row. Equal events since the latest fault share one. */
function add(event) {
  events = [...events.slice(1 - MAX_EVENTS), event];
  empty.hidden = true;
  if (event.kind === 'fault') shown.clear();
  const { fingerprint = '' } = event;
  const text = textOf(event);
  const key = text + fingerprint;
  const { row, count } = shown.get(key) ?? { count: 0 };
  row?.remove();
  const newRow = rowOf(event, count === 0 ? text : `${text} (${count + 1} times)`);
  shown.set(key, { row: newRow, count: count + 1 });
  list.prepend(newRow);
  if (list.children.length > MAX_ROWS) list.lastElementChild.remove();
  drawTimeline(events);
}

function rowOf({ fingerprint = '', at, ...event }, text) {
  const icon = shape(
    'svg',
    { viewBox: '-8 -8 16 16', width: 16, height: 16, 'aria-hidden': 'true' },
    symbol(symbolOf(event)),
  );
  const time = element('time', { dateTime: new Date(at).toISOString() }, timeOf(at));
  return element(
    'li',
    {},
    icon,
    time,
    element('p', {}, text, ' ', element('code', {}, fingerprint)),
  );
}

export function watchEvents() {
  setInterval(() => {
    if (!document.hidden) drawTimeline(events);
  }, 1000);
  addEventListener('resize', () => drawTimeline(events));
  document.addEventListener('visibilitychange', watch);
  drawTimeline(events);
  watch();
}
