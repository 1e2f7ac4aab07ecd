/** @param {string} selector */
export const find = (selector) => document.querySelector(selector);

/** Creates an element with properties and content. */
export function element(name, properties = {}, ...content) {
  const created = Object.assign(document.createElement(name), properties);
  created.append(...content);
  return created;
}

/** Creates an SVG element with attributes and content. */
export function shape(name, attributes = {}, ...content) {
  const created = document.createElementNS('http://www.w3.org/2000/svg', name);
  for (const [attribute, value] of Object.entries(attributes)) {
    created.setAttribute(attribute, String(value));
  }
  created.append(...content);
  return created;
}

/** Shows a text; with the role `alert`, screen readers interrupt for it. */
export function say(target, text, role) {
  if (target.textContent !== text) target.textContent = text;
  if (role === undefined) target.removeAttribute('role');
  else target.setAttribute('role', role);
}

/** A row of a list: a name, and a note at its end. */
export const listItem = (name, note) => element('li', {}, name, element('span', {}, note));
