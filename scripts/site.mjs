// Plugin of TypeDoc: the documents become pages next to the API reference. docs/README.md is their table of contents. A page belongs
// to the heading above its link, and its title is the text of the link.
import { relative } from 'node:path';
import { renderMermaidSVG } from 'beautiful-mermaid';
import { Application, Converter, KindRouter, Renderer } from 'typedoc';
import { root } from './command.mjs';
import { JAPANESE, pages, urlOf } from './pages.mjs';

/** Diagrams have the colours of the page. */
const DIAGRAM = {
  bg: 'var(--color-background)',
  fg: 'var(--color-text)',
  muted: 'var(--color-text-aside)',
  line: 'var(--color-text-aside)',
  font: 'system-ui',
  padding: 8,
  transparent: true,
};

/** @param {import('typedoc').Application} app */
export function load(app) {
  app.on(Application.EVENT_BOOTSTRAP_END, () => {
    const groups = new Set(pages.map(({ group }) => group));
    app.options.setValue(
      'projectDocuments',
      pages.map(({ path }) => path),
    );
    app.options.setValue('groupOrder', [...groups, '*']);
    app.options.setValue('markdownItLoader', drawDiagrams);
  });
  app.internationalization.addTranslations('en', { kind_plural_module: 'API reference' });
  app.renderer.defineRouter('pages', PageRouter);
  app.converter.on(Converter.EVENT_CREATE_DOCUMENT, (_context, document) => {
    const { title, group } = pageOf(document);
    document.name = title;
    document.frontmatter.group = group;
  });
  app.renderer.on(Renderer.EVENT_END_PAGE, (page) => {
    if (page.url === urlOf(JAPANESE))
      page.contents = (page.contents ?? '').replace(/<html([^>]*) lang="en"/, '<html$1 lang="ja"');
  });
  app.renderer.on(Renderer.EVENT_PREPARE_INDEX, ({ searchResults, searchFields }) => {
    for (const [at, result] of searchResults.entries()) {
      if (!result.isDocument() || pageOf(result).path !== JAPANESE) continue;
      const text = result.content.map((part) => part.text).join('');
      searchFields[at] = { ...searchFields[at], document: searchableJapanese(text) };
    }
  });
}

/** The address of a page is its file name, and not its title, which may change. */
class PageRouter extends KindRouter {
  /** @override @param {import('typedoc').Reflection} reflection */
  getIdealBaseName(reflection) {
    return reflection.isDocument()
      ? pageOf(reflection).url.replace(/\.html$/, '')
      : super.getIdealBaseName(reflection);
  }
}

/** @param {import('typedoc').DocumentReflection} document */
function pageOf(document) {
  const file = relative(root, document.project.files.getReflectionPath(document) ?? '');
  const page = pages.find(({ path }) => path === file);
  if (page === undefined) throw new Error(`${file} is not a page of the site.`);
  return page;
}

/**
 * The search index drops characters other than ASCII letters, digits and underscores at both ends of a word. The search finds parts of
 * words, so phrases need no further division.
 *
 * @param {string} text
 */
function searchableJapanese(text) {
  return Array.from(text.matchAll(/[\p{L}\p{M}\p{N}]+/gu), ([phrase]) => `_${phrase}_`).join(' ');
}

/**
 * Draws `mermaid` blocks as SVG.
 *
 * @param {{ renderer: { rules: { fence: (tokens: { info: string, content: string }[], at: number, ...rest: unknown[]) => string } } }} parser
 */
function drawDiagrams({ renderer: { rules } }) {
  const { fence } = rules;
  rules.fence = (tokens, at, ...rest) => {
    const { info = '', content = '' } = tokens[at] ?? {};
    if (info.trim() !== 'mermaid') return fence(tokens, at, ...rest);
    const svg = renderMermaidSVG(content, DIAGRAM)
      .replace(/@import url\([^)]*\);/, '') // a web font
      .replace('style="', 'style="max-width: 100%; height: auto; ');
    return `<figure style="margin: 0">${svg}</figure>`;
  };
}
