const own = find('#own');
const ownMessage = find('#own-message');
const ownItems = find('#own-items');
const connect = find('#connect');
const disconnect = find('#disconnect');
// Only the newest request may update the section.
let latestConnection = 0;

/** Shows the account that the user has connected, with its files. */
async function showConnection() {
  const request = (latestConnection += 1);
  const { origin } = own.dataset;
  if (origin === '') return;
  ownItems.replaceChildren();
  connect.hidden = true;
  disconnect.hidden = true;
  if (origin !== location.origin) {
    say(ownMessage, `Open the portal at ${origin} to connect an account.`);
    return;
  }
  if (signedIn() === '') {
    say(ownMessage, 'Choose a user to connect an account.');
    return;
  }
  say(ownMessage, 'Loading …');
  try {
    const { status, account } = await call('/api/connection');
    const { entries } = status === 'active' ? await call('/api/connection/items') : { entries: [] };
    if (request !== latestConnection) return;
    ownItems.replaceChildren(...entries.map(ownRow));
    connect.hidden = status === 'active';
    disconnect.hidden = status === 'none';
    say(
      ownMessage,
      {
        none: 'No account is connected. Box asks you which account the portal may use.',
        active: `Connected as ${account?.name} (${account?.login})`,
        reauthorization_required: `The access to ${account?.login} has ended. Connect the account again.`,
      }[status],
    );
  } catch (error) {
    if (request !== latestConnection) return;
    // Box may have ended the access just now.
    connect.hidden = false;
    say(ownMessage, error.message, 'alert');
  }
}

function ownRow({ type, name, size }) {
  return item(name, type === 'folder' ? 'Folder' : sizeOf(size));
}

connect.href = `/box/connect?${new URLSearchParams({ returnTo: '/#own-title' })}`;
disconnect.addEventListener('click', async () => {
  say(ownMessage, 'Disconnecting …');
  try {
    const headers = { accept: 'application/json' };
    await call('/box/disconnect', { method: 'POST', headers });
    await showConnection();
    // The button is hidden now, so move the focus to the title.
    find('#own-title').focus();
  } catch (error) {
    say(ownMessage, error.message, 'alert');
  }
});
