const find = (selector) => document.querySelector(selector);

const signedIn = () => /(?:^|; )demo-user=([^;]*)/.exec(document.cookie)?.[1] ?? '';

async function call(path, init) {
  const response = await fetch(path, init);
  const body = await response.json();
  if (!response.ok) throw Object.assign(new Error(body.message), response);
  return body;
}

function say(element, text, role) {
  element.textContent = text;
  if (role === undefined) element.removeAttribute('role');
  else element.setAttribute('role', role);
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
