// The Box account that the signed-in user has connected.
import { call, signedIn } from './api.js';
import { find, listItem, say } from './dom.js';
import { sizeOf } from './format.js';

const section = find('#own');
const title = find('#own-title');
const message = find('#own-message');
const items = find('#own-items');
const connect = find('#connect');
const disconnect = find('#disconnect');
// Only the newest request may update the section.
let latest = 0;

/** Shows the account with its files. */
export async function showConnection() {
  const request = (latest += 1);
  const { origin } = section.dataset;
  if (origin === '') return;
  items.replaceChildren();
  connect.hidden = true;
  disconnect.hidden = true;
  if (origin !== location.origin) {
    say(message, `Open the portal at ${origin} to connect an account.`);
    return;
  }
  if (signedIn() === '') {
    say(message, 'Choose a user to connect an account.');
    return;
  }
  say(message, 'Loading …');
  try {
    const { status, account } = await call('/api/connection');
    const { entries } = status === 'active' ? await call('/api/connection/items') : { entries: [] };
    if (request !== latest) return;
    items.replaceChildren(...entries.map(row));
    connect.hidden = status === 'active';
    disconnect.hidden = status === 'none';
    say(
      message,
      {
        none: 'No account is connected. Box asks you which account the portal may use.',
        active: `Connected as ${account?.name} (${account?.login})`,
        reauthorization_required: `The access to ${account?.login} has ended. Connect the account again.`,
      }[status],
    );
  } catch (error) {
    if (request !== latest) return;
    // Box may have ended the access just now.
    connect.hidden = false;
    say(message, error.message, 'alert');
  }
}

function row({ type, name, size }) {
  return listItem(name, type === 'folder' ? 'Folder' : sizeOf(size));
}

connect.href = `/box/connect?${new URLSearchParams({ returnTo: '/#own-title' })}`;
disconnect.addEventListener('click', async () => {
  say(message, 'Disconnecting …');
  try {
    const headers = { accept: 'application/json' };
    await call('/box/disconnect', { method: 'POST', headers });
    await showConnection();
    // The button is hidden now, so move the focus to the title.
    title.focus();
  } catch (error) {
    say(message, error.message, 'alert');
  }
});
