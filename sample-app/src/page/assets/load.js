// A steady load, and the buttons that break Box meanwhile.
import { call, everySecond } from './api.js';
import { find, say } from './dom.js';
import { countOf, durationOf, plural } from './format.js';

const toggle = find('#load');
const message = find('#load-message');
const failure = find('#latest-failure');
const since = find('#since');
const outage = find('#outage-left');
const faults = document.querySelectorAll('[data-fault]');
const isEmulated = find('#break').dataset.emulated === 'true';

let load = { isRunning: false };
// The latest fault of this page, with the counts when it began.
let broken;

async function refresh() {
  try {
    show(await call('/api/load'));
    if (isEmulated) showFaults(await call('/api/faults'));
    if (message.getAttribute('role') === 'alert') say(message, '');
  } catch {
    say(message, 'The portal does not respond.', 'alert');
  }
}

function show(state) {
  load = state;
  toggle.textContent = state.isRunning ? 'Stop the load' : 'Start the load';
  for (const count of document.querySelectorAll('[data-count]')) {
    count.textContent = countOf(state[count.dataset.count]);
  }
  failure.textContent =
    state.latestFailure === undefined ? '' : `Latest failure: ${state.latestFailure}`;
  since.textContent = broken === undefined ? '' : sinceText(state);
}

function sinceText({ calls, failures, tokenRequests }) {
  const { title, before } = broken;
  const failed = countOf(failures - before.failures);
  const requests = plural(tokenRequests - before.tokenRequests, 'token request');
  return `Since “${title}”: ${plural(calls - before.calls, 'call')}, ${failed} failed, ${requests}.`;
}

function showFaults({ outageMs, clockSkewMs }) {
  for (const button of faults) button.setAttribute('aria-disabled', String(outageMs > 0));
  outage.textContent = outageMs > 0 ? `No tokens for another ${durationOf(outageMs)}.` : '';
  find('[data-fault="clock"]').setAttribute('aria-pressed', String(clockSkewMs !== 0));
}

export function watchLoad() {
  find('#faults').hidden = !isEmulated;
  find('#no-faults').hidden = isEmulated;
  const refreshNow = everySecond(refresh);
  toggle.addEventListener('click', async () => {
    const { isRunning } = load;
    broken = undefined;
    show(await call('/api/load', { method: isRunning ? 'DELETE' : 'POST' }));
    const { callsPerSecond, calls, failures } = load;
    say(
      message,
      isRunning
        ? `Stopped after ${plural(calls, 'call')}, ${countOf(failures)} of them failed.`
        : `${plural(callsPerSecond, 'call')} per second, in turn as the app, its tenants, users and connected accounts.`,
    );
  });

  for (const button of faults) {
    button.addEventListener('click', async () => {
      if (button.getAttribute('aria-disabled') === 'true') {
        say(message, 'Wait for the end of the outage: a token that ends now cannot be replaced.');
        return;
      }
      if (!load.isRunning) load = await call('/api/load', { method: 'POST' });
      const isRepair = button.getAttribute('aria-pressed') === 'true';
      broken = { title: button.textContent.trim(), before: load };
      await call(`/api/faults/${button.dataset.fault}`, { method: 'POST' });
      say(message, isRepair ? button.dataset.repaired : button.dataset.done);
      await refreshNow();
    });
  }
}
