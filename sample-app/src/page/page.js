const find = (selector) => document.querySelector(selector);
const title = find('#title');
const message = find('#message');
const change = find('#change');
const list = find('ul');
const upload = find('.upload');
const people = document.querySelectorAll('[data-user]');
// The path from the root to the current folder.
let folders = [];
// The stream of the changes in the current folder.
let changes;
// Only the newest request may update the page.
let latest = 0;

async function call(path, init) {
  const response = await fetch(path, init);
  const body = await response.json();
  if (!response.ok) throw Object.assign(new Error(body.message), response);
  return body;
}

const signedIn = () => /(?:^|; )demo-user=([^;]*)/.exec(document.cookie)?.[1] ?? '';

function signIn(user) {
  const age = user === '' ? '; max-age=0' : '';
  document.cookie = `demo-user=${user}; path=/; samesite=strict${age}`;
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
  const user = signedIn();
  for (const person of people) {
    person.setAttribute('aria-pressed', String(person.dataset.user === user));
  }
  list.replaceChildren();
  upload.hidden = true;
  title.textContent = 'Not signed in';
  say('Choose a user to sign in.');
  if (user === '') return;
  say('Loading …');
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
    say(entries.length === 0 ? 'This folder is empty.' : `Signed in as ${me.login}`);
  } catch (error) {
    if (request !== latest) return;
    title.textContent = 'Something went wrong';
    say(error.message, 'alert');
  }
}

function say(text, role) {
  message.textContent = text;
  if (role === undefined) message.removeAttribute('role');
  else message.setAttribute('role', role);
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

function item(name, note) {
  const element = document.createElement('li');
  const span = document.createElement('span');
  span.textContent = note;
  element.append(name, span);
  return element;
}

function sizeOf(bytes = 0) {
  const unit = bytes < 1e3 ? 'byte' : bytes < 1e6 ? 'kilobyte' : 'megabyte';
  const value = bytes / { byte: 1, kilobyte: 1e3, megabyte: 1e6 }[unit];
  const unitDisplay = unit === 'byte' ? 'long' : 'short';
  const options = { style: 'unit', unit, unitDisplay, maximumFractionDigits: 1 };
  return new Intl.NumberFormat('en', options).format(value);
}

upload.addEventListener('change', async ({ target }) => {
  const [file] = target.files;
  if (file === undefined) return;
  target.value = '';
  say(`Uploading ${file.name} …`);
  const query = new URLSearchParams({ folder: folders.at(-1).id, name: file.name });
  try {
    await call(`/api/files?${query}`, { method: 'POST', body: file });
    await show();
  } catch (error) {
    say(error.message, 'alert');
  }
});
for (const person of people) {
  person.addEventListener('click', () => signIn(person.dataset.user));
}
void signIn(signedIn());
