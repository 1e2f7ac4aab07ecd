// Checks that the README leaves nothing out and invents nothing (codes, variables, options with their defaults, entry points,
// commands), and that every link between the documents leads somewhere.
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import ts from 'typescript';
import { root } from './command.mjs';
import { manifest } from './manifest.mjs';
import { anchorsIn, namesIn, tablesIn, targetsIn } from './markdown.mjs';

/** @type {string[]} */
const mistakes = [];
const readme = read('README.md');
const tables = tablesIn(readme);

expectSame('code', namesOf('`code`'), codes());
expectSame('variable', namesOf('variable').filter(isVariable), variables());
expectSame('entry point', namesOf('import'), entryPoints());
expectSame(
  'command',
  namesOf('command').filter((name) => name.startsWith('npx ')),
  commands(),
);
expectSame(
  'option',
  optionRows().map(([name]) => name),
  [...options().keys()],
);
for (const [name, told] of optionRows()) {
  const documented = options().get(name);
  if (documented !== undefined && documented !== told) {
    mistakes.push(`README.md says that ${name} is ${told} by default, its docstring ${documented}`);
  }
}
for (const [name, value] of constants()) {
  const documented = options().get(name);
  if (documented?.replaceAll(',', '') !== value) {
    mistakes.push(
      `the docstring of ${name} says that it is ${documented} by default; it is ${value}`,
    );
  }
}
for (const document of documents()) checkLinks(document);
for (const document of documents().filter((path) => path.startsWith('docs/'))) {
  if (!targetsIn(readme).includes(document)) mistakes.push(`README.md does not link ${document}`);
}

console.log(
  [...mistakes, `${documents().length} documents, ${mistakes.length} mistakes`].join('\n'),
);
process.exitCode = mistakes.length === 0 ? 0 : 1;

/**
 * @param {string} kind
 * @param {readonly string[]} told
 * @param {readonly string[]} real
 */
function expectSame(kind, told, real) {
  if (real.length === 0)
    mistakes.push(`there is no ${kind} at all: this check looks in the wrong place`);
  for (const name of real.filter((one) => !told.includes(one))) {
    mistakes.push(`README.md leaves out the ${kind} ${name}`);
  }
  for (const name of told.filter((one) => !real.includes(one))) {
    mistakes.push(`README.md has the ${kind} ${name}, which there is not`);
  }
  for (const name of told.filter((one, at) => told.indexOf(one) !== at)) {
    mistakes.push(`README.md has the ${kind} ${name} twice`);
  }
}

/**
 * What the first column of the tables with this heading names.
 *
 * @param {string} heading
 */
function namesOf(heading) {
  return tables
    .filter(({ head }) => head[0] === heading)
    .flatMap(({ rows }) => rows.flatMap(([cell = '']) => namesIn(cell)));
}

/** Names and defaults in the README. */
function optionRows() {
  return tables
    .filter(({ head }) => head[0] === 'option')
    .flatMap(({ rows }) =>
      rows.map(
        ([name = '', standard = '']) => /** @type {const} */ ([name.replaceAll('`', ''), standard]),
      ),
    );
}

/** @param {string} name */
function isVariable(name) {
  return /^(?:BOX|WORKFRONT)_[A-Z_]+$/.test(name);
}

function codes() {
  const source = parse('lib/core/errors/error-codes.ts');
  return [...source.text.matchAll(/^ {2}\| '(\w+)'/gm)].map(([, code = '']) => code);
}

/** Those that stand in the code as strings. */
function variables() {
  const all = filesIn('lib', '.ts').map(read).join('\n');
  const found = [...all.matchAll(/'((?:BOX|WORKFRONT)_[A-Z_]+)'/g)].map(([, name = '']) => name);
  return [...new Set(found)];
}

function entryPoints() {
  return Object.entries(manifest.exports)
    .filter(([, entryPoint]) => typeof entryPoint !== 'string')
    .map(([path]) => join(manifest.name, path));
}

function commands() {
  return [...read('lib/cli/program.ts').matchAll(/\.command\('(\w+)'\)/g)].map(
    ([, name = '']) => `npx ${manifest.name} ${name}`,
  );
}

/** Every option by its full name, with what its docstring says that it is by default. */
function options() {
  const groups = {
    renewal: 'RenewalOptions',
    tokenEndpoint: 'TokenEndpointOptions',
    assertion: 'AssertionOptions',
  };
  return new Map([
    ...['AppAuthOptions', 'BoxAuthOptions', 'BoxAuthModuleOptions', 'BoxAuthModuleExtras'].flatMap(
      (name) => membersOf(name).filter(([option]) => !(option in groups)),
    ),
    ...Object.entries(groups).flatMap(([group, name]) =>
      membersOf(name).map(
        ([option, standard]) => /** @type {const} */ ([`${group}.${option}`, standard]),
      ),
    ),
  ]);
}

/**
 * @param {string} name of an interface
 * @returns {[string, string | undefined][]}
 */
function membersOf(name) {
  const declaration = declarations().find(
    (node) => ts.isInterfaceDeclaration(node) && node.name.text === name,
  );
  if (declaration === undefined || !ts.isInterfaceDeclaration(declaration))
    throw new Error(`There is no interface ${name}.`);
  return declaration.members.map((member) => {
    const comment = ts
      .getJSDocCommentsAndTags(member)
      .map(({ comment: text }) => ts.getTextOfJSDocComment(text) ?? '')
      .join(' ');
    return [member.name?.getText() ?? '', /\bDefault (.+?)[.:](?:\s|$)/s.exec(comment)?.[1]];
  });
}

/** The defaults that the code has in objects, by the full names of their options. */
function constants() {
  const objects = { renewal: 'renewalDefaults', tokenEndpoint: 'tokenEndpointDefaults' };
  return Object.entries(objects).flatMap(([group, name]) => {
    const object = declarations()
      .filter(ts.isVariableStatement)
      .flatMap((statement) => statement.declarationList.declarations)
      .find((declaration) => declaration.name.getText() === name)?.initializer;
    if (object === undefined || !ts.isObjectLiteralExpression(object))
      throw new Error(`There is no object ${name}.`);
    return object.properties.filter(ts.isPropertyAssignment).map((property) => {
      const value = property.initializer.getText().replaceAll('_', '');
      return /** @type {const} */ ([`${group}.${property.name.getText()}`, value]);
    });
  });
}

function declarations() {
  return [
    'lib/core/app/app-auth.options.ts',
    'lib/box/box-auth.options.ts',
    'lib/box/nest/box-auth.module-definition.ts',
    'lib/box/box-issuer.ts',
    'lib/core/tokens/renewal.options.ts',
    'lib/core/token-endpoint/token-endpoint.options.ts',
  ].flatMap((file) => Array.from(parse(file).statements));
}

/** @param {string} document */
function checkLinks(document) {
  for (const target of targetsIn(read(document))) {
    if (/^[a-z]+:/.test(target)) continue;
    const [path = '', anchor] = target.split('#');
    const file = path === '' ? document : relative(root, join(root, dirname(document), path));
    if (!existsSync(join(root, file)))
      mistakes.push(`${document} links ${target}, which there is not`);
    else if (anchor !== undefined && !anchorsIn(read(file)).includes(decodeURIComponent(anchor))) {
      mistakes.push(`${document} links ${target}, and there is no such heading`);
    }
  }
}

function documents() {
  const names = [
    'README.md',
    'README.ja.md',
    'CONTRIBUTING.md',
    'SECURITY.md',
    'CHANGELOG.md',
    'bench/README.md',
  ];
  return [...names, ...filesIn('docs', '.md')];
}

/** @param {string} file */
function parse(file) {
  return ts.createSourceFile(file, read(file), ts.ScriptTarget.Latest, true);
}

/** @param {string} file */
function read(file) {
  return readFileSync(join(root, file), 'utf8');
}

/** @param {string} folder @param {string} ending */
function filesIn(folder, ending) {
  return ts.sys.readDirectory(join(root, folder), [ending]).map((file) => relative(root, file));
}
