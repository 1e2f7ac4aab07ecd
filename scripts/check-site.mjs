// Checks the site that `typedoc` has built: the pages exist, the links and anchors have targets, the search finds the pages, and a browser
// loads nothing from other hosts.
import { existsSync } from 'node:fs';
import { join, posix } from 'node:path';
import { inflateSync } from 'node:zlib';
import { root } from './command.mjs';
import { pages } from './pages.mjs';
import { filesIn, read } from './source-files.mjs';

const SITE = 'site';

/** @type {string[]} */
const mistakes = [];
const files = filesIn(SITE, '.html');
const html = new Map(files.map((file) => [posix.relative(SITE, file), read(file)]));
const anchors = new Map([...html].map(([url, text]) => [url, anchorsIn(text)]));

for (const { path, url } of pages) {
  if (!html.has(url)) mistakes.push(`The site lacks ${path}: there is no ${url}.`);
}
for (const [url, text] of html) {
  checkTargets(url, text);
  if (text.includes('<code class="mermaid"')) mistakes.push(`${url} has a diagram as text.`);
}
const index = searchIndex();
for (const { path, url } of pages) {
  const term = wordsIn(read(path)).find((word) => !(index.get(url) ?? '').includes(word));
  if (term !== undefined) mistakes.push(`The search does not find ${path} by "${term}".`);
}

const summary = `${html.size} pages of the site, ${pages.length} of them documents, ${mistakes.length} mistakes`;
console.log([...mistakes, summary].join('\n'));
process.exitCode = mistakes.length === 0 ? 0 : 1;

/** @param {string} url @param {string} text */
function checkTargets(url, text) {
  for (const [, attribute = '', target = ''] of text.matchAll(/\s(href|src)="([^"]*)"/g)) {
    if (/^[a-z]+:/.test(target)) {
      if (attribute === 'src' || target.startsWith('file:'))
        mistakes.push(`${url} loads ${target}.`);
      continue;
    }
    const [path = '', anchor = ''] = target.split('#').map(decodeURIComponent);
    const linked = path === '' ? url : posix.join(posix.dirname(url), path);
    const file = linked === '.' || linked.endsWith('/') ? posix.join(linked, 'index.html') : linked;
    const isIcon = file.endsWith('.svg');
    if (!existsSync(join(root, SITE, file)))
      mistakes.push(`${url} links ${target}, which does not exist.`);
    else if (file.endsWith('.md'))
      mistakes.push(`${url} links ${target}, which is not a page of docs/README.md.`);
    else if (anchor !== '' && !isIcon && anchors.get(file)?.has(anchor) !== true)
      mistakes.push(`${url} links ${target}, but there is no such heading.`);
  }
}

/** @param {string} text */
function anchorsIn(text) {
  return new Set(Array.from(text.matchAll(/\sid="([^"]*)"/g), ([, id = '']) => id));
}

/**
 * The words by which the search finds each page. It also finds parts of words.
 *
 * @returns {Map<string, string>} by the URL of the page
 */
function searchIndex() {
  const [, data = ''] = /"(.*)"/s.exec(read(`${SITE}/assets/search.js`)) ?? [];
  /** @type {{ rows: { url: string }[], index: { invertedIndex: [string, { document: object }][] } }} */
  const { rows, index: stored } = JSON.parse(inflateSync(Buffer.from(data, 'base64')).toString());
  /** @type {Map<string, string>} */
  const words = new Map();
  for (const [word, { document }] of stored.invertedIndex) {
    for (const row of Object.keys(document)) {
      const url = rows[Number(row)]?.url ?? '';
      words.set(url, `${words.get(url) ?? ''} ${word}`);
    }
  }
  return words;
}

/**
 * Words of a document: English ones, and Japanese ones in katakana.
 *
 * @param {string} text
 */
function wordsIn(text) {
  return text.toLowerCase().match(/(?<=\s)[a-z]{5,}(?=\s)|\p{Script=Katakana}{3,}/gu) ?? [];
}
