// The files of the signed-in user.
import { call, signedIn, upload } from './api.js';
import { element, find, listItem, say } from './dom.js';
import { sizeOf } from './format.js';

const title = find('#title');
const message = find('#message');
const change = find('#change');
const items = find('#items');
const chooser = find('.upload');
const progress = find('#progress');
// The path from the root to the current folder.
let folders = [];
// The stream of the changes in the current folder.
let changes;
// Only the newest request may update the section.
let latest = 0;

export function showFiles() {
  folders = [{ id: '0' }];
  return openFolder();
}

/** Shows the current folder, and again after each change that Box reports to the portal. */
function openFolder() {
  changes?.close();
  change.textContent = '';
  const { id } = folders.at(-1);
  // Box has no webhooks for the root folder.
  if (signedIn() !== '' && id !== '0') {
    changes = new EventSource(`/api/folders/${id}/changes`);
    changes.addEventListener('message', async ({ data }) => {
      await show();
      change.textContent = `Refreshed by a webhook of Box: ${JSON.parse(data).trigger}`;
    });
  }
  return show();
}

async function show() {
  const request = (latest += 1);
  chooser.hidden = true;
  if (signedIn() === '') {
    items.replaceChildren();
    title.textContent = 'Not signed in';
    say(message, 'Choose a user to sign in.');
    return;
  }
  say(message, 'Loading …');
  try {
    const { id, name } = folders.at(-1);
    const [me, { entries }] = await Promise.all([
      call('/api/me'),
      call(`/api/folders/${id}/items`),
    ]);
    if (request !== latest) return;
    title.textContent = name ?? `Files of ${me.name}`;
    items.replaceChildren(...(folders.length > 1 ? [backButton()] : []), ...entries.map(row));
    chooser.hidden = false;
    say(message, entries.length === 0 ? 'This folder is empty.' : `Signed in as ${me.login}`);
  } catch (error) {
    if (request !== latest) return;
    items.replaceChildren();
    title.textContent = 'Something went wrong';
    say(message, error.message, 'alert');
  }
}

function row({ type, id, name, size }) {
  return type === 'folder'
    ? listItem(
        step(name, () => folders.push({ id, name })),
        'Folder',
      )
    : listItem(
        element('a', { textContent: name, href: `/api/files/${id}/content`, download: '' }),
        sizeOf(size),
      );
}

function backButton() {
  return listItem(
    step('Back', () => folders.pop()),
    '',
  );
}

function step(text, move) {
  const button = element('button', { type: 'button', textContent: text });
  button.addEventListener('click', async () => {
    move();
    await openFolder();
    // The button no longer exists, so move the focus to the new list.
    title.focus();
  });
  return button;
}

chooser.addEventListener('change', async ({ target }) => {
  const [file] = target.files;
  if (file === undefined) return;
  target.value = '';
  const query = new URLSearchParams({ folder: folders.at(-1).id, name: file.name });
  say(message, `Uploading ${file.name} (${sizeOf(file.size)}) …`);
  progress.hidden = false;
  progress.value = 0;
  try {
    await upload(`/api/files?${query}`, file, (share) => {
      progress.value = share;
    });
    await show();
    say(message, `Uploaded ${file.name} (${sizeOf(file.size)})`);
  } catch (error) {
    say(message, error.message, 'alert');
  }
  progress.hidden = true;
});
