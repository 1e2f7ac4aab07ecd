import { signedIn } from './api.js';
import { showConnection } from './connection.js';
import { showFiles } from './files.js';
import { watchEvents } from './events.js';
import { watchLoad } from './load.js';
import { watchTokens } from './tokens.js';

const people = document.querySelectorAll('[data-user]');

function signIn(user) {
  const age = user === '' ? '; max-age=0' : '';
  // Lax: the browser sends the cookie when Box sends it back to the portal, too.
  document.cookie = `demo-user=${user}; path=/; samesite=lax${age}`;
  for (const person of people) {
    person.setAttribute('aria-pressed', String(person.dataset.user === signedIn()));
  }
  void showConnection();
  void showFiles();
}

for (const person of people) {
  person.addEventListener('click', () => signIn(person.dataset.user));
}
signIn(signedIn());
watchLoad();
watchTokens();
watchEvents();
