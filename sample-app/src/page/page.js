const title = find('#title');
const message = find('#message');
const change = find('#change');
const list = find('#items');
const upload = find('.upload');
const people = document.querySelectorAll('[data-user]');
// The path from the root to the current folder.
let folders = [];
// The stream of the changes in the current folder.
let changes;
// Only the newest request may update the page.
let latest = 0;

function signIn(user) {
  const age = user === '' ? '; max-age=0' : '';
  // Lax: the browser sends the cookie when Box sends it back to the portal, too.
  document.cookie = `demo-user=${user}; path=/; samesite=lax${age}`;
  folders = [{ id: '0' }];
  void showConnection();
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
  const user = signedIn();
  for (const person of people) {
    person.setAttribute('aria-pressed', String(person.dataset.user === user));
  }
  list.replaceChildren();
  upload.hidden = true;
  title.textContent = 'Not signed in';
  say(message, 'Choose a user to sign in.');
  if (user === '') return;
  say(message, 'Loading …');
  try {
    const { id } = folders.at(-1);
    const [me, { entries }] = await Promise.all([
      call('/api/me'),
      call(`/api/folders/${id}/items`),
    ]);
    if (request !== latest) return;
    title.textContent = folders.at(-1).name ?? `Files of ${me.name}`;
    list.replaceChildren(...(folders.length > 1 ? [backButton()] : []), ...entries.map(row));
    upload.hidden = false;
    say(message, entries.length === 0 ? 'This folder is empty.' : `Signed in as ${me.login}`);
  } catch (error) {
    if (request !== latest) return;
    title.textContent = 'Something went wrong';
    say(message, error.message, 'alert');
  }
}

function row({ type, id, name, size }) {
  return item(
    type === 'folder'
      ? step(name, () => folders.push({ id, name }))
      : Object.assign(document.createElement('a'), {
          textContent: name,
          href: `/api/files/${id}/content`,
        }),
    type === 'folder' ? 'Folder' : sizeOf(size),
  );
}

function backButton() {
  return item(
    step('Back', () => folders.pop()),
    '',
  );
}

function step(text, move) {
  const button = Object.assign(document.createElement('button'), {
    type: 'button',
    textContent: text,
  });
  button.addEventListener('click', async () => {
    move();
    await openFolder();
    // The button no longer exists, so move the focus to the new list.
    title.focus();
  });
  return button;
}

upload.addEventListener('change', async ({ target }) => {
  const [file] = target.files;
  if (file === undefined) return;
  target.value = '';
  say(message, `Uploading ${file.name} …`);
  const query = new URLSearchParams({ folder: folders.at(-1).id, name: file.name });
  try {
    await call(`/api/files?${query}`, { method: 'POST', body: file });
    await show();
  } catch (error) {
    say(message, error.message, 'alert');
  }
});
for (const person of people) {
  person.addEventListener('click', () => signIn(person.dataset.user));
}
void signIn(signedIn());
