// The tokens in the memory of the portal: fingerprints only.
import { call, everySecond } from './api.js';
import { element, find } from './dom.js';
import { durationOf } from './format.js';

const list = find('#tokens');
const shown = new Map();

async function refresh() {
  const tokens = await call('/api/tokens').catch(() => undefined);
  if (tokens === undefined) return;
  const rows = tokens.map((token) => {
    const key = `${token.holder} ${token.name}`;
    const row = shown.get(key) ?? newRow(token);
    shown.set(key, row);
    row.update(token);
    return row.item;
  });
  const isChanged =
    rows.length !== list.children.length || rows.some((row, at) => row !== list.children[at]);
  if (isChanged) list.replaceChildren(...rows);
}

export const watchTokens = () => everySecond(refresh);

const TITLES = {
  app: () => 'The app, in its own enterprise',
  tenant: ({ name }) => `The app, in tenant ${name}`,
  user: ({ name }) => `User ${name}`,
  connection: ({ name, account }) => `Account ${account} of ${name}`,
};

/** A row that is updated in place, so that screen readers keep their position. */
function newRow(token) {
  const title = TITLES[token.holder](token);
  const fingerprint = element('code');
  const note = element('p');
  const age = element('meter', {
    min: 0,
    max: 1,
    ariaLabel: `Used lifetime of the token: ${title}`,
  });
  const heading = element('p', { className: 'token' }, element('strong', {}, title), fingerprint);
  return {
    item: element('li', {}, heading, age, note),
    update(state) {
      fingerprint.textContent = state.fingerprint ?? '';
      age.value =
        state.ageMs === undefined
          ? 0
          : state.ageMs / (state.ageMs + (state.expiresInMs ?? Infinity));
      note.textContent = noteOf(state);
    },
  };
}

function noteOf({ holder, status, isShared, ageMs, refreshInMs }) {
  if (status === 'reauthorization_required') return 'Box has ended the access.';
  if (status === 'missing') {
    return holder === 'user'
      ? 'No token of its own: most calls use the token of the enterprise, with the header as-user.'
      : 'No token: the next call requests one.';
  }
  const source = isShared ? 'From another process' : 'Requested';
  const age = ageMs === undefined ? '' : `${source} ${durationOf(ageMs)} ago.`;
  return refreshInMs === undefined ? age : `${age} ${refreshText(refreshInMs)}`;
}

function refreshText({ from, to }) {
  if (to <= 0) return 'Refresh due with the next call.';
  if (from <= 0) return `Next refresh within ${durationOf(to)}.`;
  return `Next refresh in ${durationOf(from).replace(/ min$/, '')} to ${durationOf(to)}.`;
}
