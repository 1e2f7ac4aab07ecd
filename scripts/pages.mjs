import { posix } from 'node:path';
import { pagesIn } from './markdown.mjs';
import { read } from './source-files.mjs';

/** The table of contents. */
export const INDEX = 'docs/README.md';

export const JAPANESE = 'README.ja.md';

/** Each page in `docs` has one of these purposes (https://diataxis.fr). */
export const PURPOSES = ['Tutorials', 'How-to guides', 'Reference', 'Explanation'];

/**
 * The pages of the site besides the README, in the order of its navigation. TypeDoc shows those of the group "none" above all groups.
 *
 * @type {readonly { path: string, title: string, group: string, url: string }[]}
 */
export const pages = [
  page(INDEX, 'All pages', 'none'),
  page(JAPANESE, '日本語', 'none'),
  ...pagesIn(read(INDEX)).map(({ group, title, target }) =>
    page(posix.join('docs', target), title, group),
  ),
];

/** @param {string} path @param {string} title @param {string} group */
function page(path, title, group) {
  return { path, title, group, url: urlOf(path) };
}

/** @param {string} path of a document */
export function urlOf(path) {
  const name = path.replace(/\.md$/, '');
  return name.startsWith('docs/') ? `${name}.html` : `project/${name.replaceAll('/', '-')}.html`;
}
