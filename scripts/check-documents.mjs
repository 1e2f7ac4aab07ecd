// Checks that the tables of the documents are complete and correct (error codes, environment variables, options with their
// defaults, entry points, commands, methods), and that every link between the documents has a target.
import { existsSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import ts from 'typescript';
import { root } from './command.mjs';
import { manifest } from './manifest.mjs';
import { anchorsIn, namesIn, tablesIn, targetsIn } from './markdown.mjs';
import { INDEX, PURPOSES, pages } from './pages.mjs';
import { filesIn, read } from './source-files.mjs';

const README_MAX_LINES = 200;

/** @type {string[]} */
const mistakes = [];
const sources = filesIn('lib', '.ts').map(parse);
const documents = [
  'README.md',
  'README.ja.md',
  'CONTRIBUTING.md',
  'SECURITY.md',
  'CHANGELOG.md',
  'bench/README.md',
  ...filesIn('docs', '.md'),
];

expectSame('error code', ['docs/errors.md'], 'Code', codes());
expectSame('entry point', ['docs/entry-points.md'], 'Import', entryPoints());
expectSame('command', ['docs/command-line.md'], 'Command', commands());
expectCommandOptions('docs/command-line.md');
expectSame('method', ['docs/clients.md'], 'Method', methodsOf('BoxTokenProvider'));
expectSame('option', ['docs/options.md'], 'Option', [...boxOptions().keys()]);
expectSame('option', ['docs/workfront-reference.md'], 'Option', [...workfrontOptions().keys()]);
expectSame(
  'variable',
  ['README.md', 'docs/workfront.md', 'docs/webhooks-reference.md', 'docs/connections-reference.md'],
  'Variable',
  variables(),
);
expectSame('option', ['docs/webhooks-reference.md'], 'Option', [...webhookOptions().keys()]);
expectSame('option', ['docs/connections-reference.md'], 'Option', [...connectionOptions().keys()]);
expectSame('method', ['docs/connections-reference.md'], 'Method', methodsOf('BoxConnections'));
expectSame('metric', ['docs/signals.md'], 'Metric', metrics());
expectSame('event', ['docs/signals.md'], 'Kind', eventKinds());
expectSame('option', ['docs/emulator.md'], 'Option', namesOf('BoxEmulatorOptions'));
expectSame('fault', ['docs/emulator.md'], 'Fault', faults());
expectDefaults('docs/options.md', boxOptions());
expectDefaults('docs/workfront-reference.md', workfrontOptions());
expectDefaults('docs/webhooks-reference.md', webhookOptions());
expectCodeDefaults();
expectLogLines('docs/signals.md');
expectScopes('docs/errors.md');
expectKnownCodes();
expectScripts('CONTRIBUTING.md');
expectPeers('docs/entry-points.md');
expectText('README.md', manifest.engines.node);
for (const document of documents) checkLinks(document);
expectIndex();
expectShort('README.md', README_MAX_LINES);

console.log([...mistakes, `${documents.length} documents, ${mistakes.length} mistakes`].join('\n'));
process.exitCode = mistakes.length === 0 ? 0 : 1;

/**
 * The tables with this heading name all of `expected` once, and nothing else.
 *
 * @param {string} kind
 * @param {readonly string[]} files
 * @param {string} heading of the first column
 * @param {readonly string[]} expected
 */
function expectSame(kind, files, heading, expected) {
  const where = files.join(' or ');
  const documented = files.flatMap((file) => namesUnder(file, heading));
  if (expected.length === 0)
    mistakes.push(`The code has no ${kind}: this check looks in the wrong place.`);
  for (const name of expected.filter((one) => !documented.includes(one))) {
    mistakes.push(`${where} lacks the ${kind} ${name}.`);
  }
  for (const name of documented.filter((one) => !expected.includes(one))) {
    mistakes.push(`${where} has the ${kind} ${name}, which does not exist.`);
  }
  for (const name of documented.filter((one, at) => documented.indexOf(one) !== at)) {
    mistakes.push(`${where} has the ${kind} ${name} twice.`);
  }
}

/**
 * The second column has the default that the docstring of the option names.
 *
 * @param {string} file
 * @param {Map<string, string | undefined>} options
 */
function expectDefaults(file, options) {
  for (const [name = '', standard] of rowsUnder(file, 'Option')) {
    const [option = ''] = namesIn(name);
    const documented = options.get(option);
    if (documented !== undefined && documented !== standard) {
      mistakes.push(
        `${file} has ${standard} as the default of ${option}, its docstring ${documented}.`,
      );
    }
  }
}

/** @param {string} file */
function expectCommandOptions(file) {
  const documented = namesUnder(file, 'Option').filter((name) => name.startsWith('--'));
  for (const option of commandOptions().filter((one) => !documented.includes(one))) {
    mistakes.push(`${file} lacks the option ${option}.`);
  }
  for (const option of documented.filter((one) => !commandOptions().includes(one))) {
    mistakes.push(`${file} has the option ${option}, which does not exist.`);
  }
}

/** The docstrings have the defaults that the code uses. */
function expectCodeDefaults() {
  for (const [name, value] of constants()) {
    const documented = boxOptions().get(name);
    if (documented?.replaceAll(',', '') !== value) {
      mistakes.push(
        `The docstring of ${name} has ${documented} as its default, the code ${value}.`,
      );
    }
  }
}

/**
 * The code has the fixed parts of the log lines: the text outside of angle brackets.
 *
 * @param {string} file
 */
function expectLogLines(file) {
  const rows = rowsUnder(file, 'Level');
  if (rows.length === 0) mistakes.push(`${file} has no table of log lines.`);
  for (const part of rows.flatMap(([, line = '']) => namesIn(line)).flatMap(fixedPartsOf)) {
    if (!sources.some(({ text }) => text.includes(part)))
      mistakes.push(`${file} has the log line "${part}", which does not exist.`);
  }
}

/** @param {string} line */
function fixedPartsOf(line) {
  return line
    .split(/<[^>]+>/)
    .map((part) => part.trim())
    .filter((part) => /\w/.test(part));
}

/**
 * The table of scopes has the codes of the known error responses of Box's token endpoint.
 *
 * @param {string} file
 */
function expectScopes(file) {
  const scopes = { 'All tenants': 'client', 'One tenant': 'tenant', 'One subject': 'subject' };
  const responses = tokenEndpointResponses();
  for (const [label, scope] of Object.entries(scopes)) {
    const codesOf = responses.filter((one) => one.scope === scope).map(({ code }) => code);
    const expected = [...new Set(codesOf)].toSorted().join(', ');
    const row = rowsUnder(file, 'Scope').find(([cell]) => cell === label);
    const documented = namesIn(row?.[1] ?? '')
      .toSorted()
      .join(', ');
    if (documented !== expected)
      mistakes.push(`${file} has ${documented} for the scope "${label}", not ${expected}.`);
  }
}

/** No document has a table with a code that does not exist. */
function expectKnownCodes() {
  for (const file of documents) {
    for (const code of namesUnder(file, 'Code').filter((name) => !codes().includes(name))) {
      mistakes.push(`${file} has the error code ${code}, which does not exist.`);
    }
  }
}

/**
 * The document names every npm script, and no other.
 *
 * @param {string} file
 */
function expectScripts(file) {
  const text = read(file);
  const named = [...text.matchAll(/\bnpm run ([\w:]+)/g)].map(([, name = '']) => name);
  const { scripts } = manifest;
  for (const name of new Set(named)) {
    if (!(name in scripts)) mistakes.push(`${file} has npm run ${name}, which does not exist.`);
  }
  for (const name of Object.keys(scripts)) {
    if (!named.includes(name) && !text.includes(`npm ${name}`))
      mistakes.push(`${file} lacks the command npm run ${name}.`);
  }
}

/**
 * The table of peer dependencies has the ranges of the manifest, a column for each version of NestJS.
 *
 * @param {string} file
 */
function expectPeers(file) {
  const rows = rowsUnder(file, 'Package');
  if (rows.length === 0) mistakes.push(`${file} has no table of peer dependencies.`);
  for (const [name = '', ...versions] of rows) {
    const [peer = ''] = namesIn(name);
    const documented = versions.flatMap(namesIn).toSorted().join(' || ');
    const range = manifest.peerDependencies[peer]?.split(' || ').toSorted().join(' || ');
    if (documented !== range) mistakes.push(`${file} has ${documented} for ${peer}, not ${range}.`);
  }
}

/** @param {string} file @param {string} text */
function expectText(file, text) {
  if (!read(file).includes(text)) mistakes.push(`${file} lacks ${text}.`);
}

/** The index has every document in docs once, under one of the purposes, and both READMEs link the index. */
function expectIndex() {
  for (const file of documents.filter((path) => path.startsWith('docs/') && path !== INDEX)) {
    const groups = pages.filter(({ path }) => path === file).map(({ group }) => group);
    if (groups.length !== 1 || !PURPOSES.includes(groups[0] ?? '')) {
      mistakes.push(
        `${INDEX} must have ${file} once, in the table of one of ${PURPOSES.join(', ')}; it is in: ${groups.join(', ') || 'none'}.`,
      );
    }
  }
  for (const file of ['README.md', 'README.ja.md']) {
    if (!targetsIn(read(file)).includes(INDEX)) mistakes.push(`${file} does not link ${INDEX}.`);
  }
}

/** @param {string} file @param {number} maxLines */
function expectShort(file, maxLines) {
  const lines = read(file).trimEnd().split('\n').length;
  if (lines > maxLines) mistakes.push(`${file} has ${lines} lines, more than ${maxLines}.`);
}

/**
 * The rows of all tables whose first column has this heading.
 *
 * @param {string} file
 * @param {string} heading
 */
function rowsUnder(file, heading) {
  return tablesIn(read(file))
    .filter(({ head }) => head[0] === heading)
    .flatMap(({ rows }) => rows);
}

/**
 * The names in the first column of these tables; of a method without its parameters.
 *
 * @param {string} file
 * @param {string} heading
 */
function namesUnder(file, heading) {
  return rowsUnder(file, heading)
    .flatMap(([cell = '']) => namesIn(cell))
    .map((name) => name.replace(/\(.*/, ''));
}

function codes() {
  const { type } = declaration(ts.isTypeAliasDeclaration, 'BoxAuthErrorCode');
  if (!ts.isUnionTypeNode(type)) throw new Error('BoxAuthErrorCode is not a union.');
  return type.types.map((member) => member.getText().replaceAll("'", ''));
}

/** The scopes and codes in `TOKEN_ENDPOINT_ERRORS`, which Box's error responses have. */
function tokenEndpointResponses() {
  const file = 'lib/box/box-error-responses.ts';
  const [, list = ''] = /TOKEN_ENDPOINT_ERRORS\b[^=]*= \[(.*?)^\];/ms.exec(read(file)) ?? [];
  const found = [...list.matchAll(/scope: '(\w+)',.*?code: '(\w+)'/gs)];
  if (found.length === 0) throw new Error(`${file} has no list of error responses.`);
  return found.map(([, scope = '', code = '']) => ({ scope, code }));
}

/** The names of the metrics. */
function metrics() {
  return sources.flatMap(({ text }) =>
    Array.from(
      text.matchAll(/\.create(?:Counter|Histogram|Gauge)\('([\w.]+)'/g),
      ([, name = '']) => name,
    ),
  );
}

/** The kinds of events. */
function eventKinds() {
  const text = read('lib/core/events/auth-channels.ts');
  return Array.from(text.matchAll(/\bchannelOf\('([\w-]+)'\)/g), ([, kind = '']) => kind);
}

/** The kinds of `Fault`. */
function faults() {
  const { type } = declaration(ts.isTypeAliasDeclaration, 'Fault', inTesting);
  return [...type.getText().matchAll(/\bkind: '([\w-]+)'/g)].map(([, kind = '']) => kind);
}

/** @param {string} name of an interface in lib/testing */
function namesOf(name) {
  const { members } = declaration(ts.isInterfaceDeclaration, name, inTesting);
  return members.map((member) => member.name?.getText() ?? '');
}

/** String literals in the code that look like variables. */
function variables() {
  const all = sources.map(({ text }) => text).join('\n');
  const found = [...all.matchAll(/'((?:BOX|WORKFRONT)_[A-Z_]+)'/g)].map(([, name = '']) => name);
  return [...new Set(found)];
}

function entryPoints() {
  return Object.entries(manifest.exports)
    .filter(([, entryPoint]) => typeof entryPoint !== 'string')
    .map(([path]) => join(manifest.name, path));
}

/** The variable of a command with subcommands has its name. */
function commands() {
  const declared = [...commandLine().matchAll(/(\w+)\s*\.command\('(\w+)'\)/g)].map(
    ([, parent = '', name = '']) => ({ parent, name }),
  );
  return declared
    .filter(({ name }) => declared.every(({ parent }) => parent !== name))
    .map(({ parent, name }) =>
      [`npx ${manifest.name}`, ...(parent === 'program' ? [] : [parent]), name].join(' '),
    );
}

/** The options of all commands; the commands share some of them. */
function commandOptions() {
  const found = [...commandLine().matchAll(/['`](--[a-z-]+(?: <\w+>)?)['`]/g)];
  return [...new Set(found.map(([, option = '']) => option))];
}

/** The code that declares the commands. */
function commandLine() {
  return sources
    .filter(({ text }) => text.includes(".command('"))
    .map(({ text }) => text)
    .join('\n');
}

/**
 * The public methods.
 *
 * @param {string} className
 */
function methodsOf(className) {
  return declaration(ts.isClassDeclaration, className)
    .members.filter((member) => ts.isMethodDeclaration(member) || ts.isGetAccessor(member))
    .filter(({ name }) => ts.isIdentifier(name))
    .filter((member) => !member.getFullText().includes('@internal'))
    .map(({ name }) => name.getText());
}

/** The options for Box by their full names, with the defaults that their docstrings name. */
function boxOptions() {
  const groups = {
    renewal: 'RenewalOptions',
    tokenEndpoint: 'TokenEndpointOptions',
    apiRetries: 'ApiRetryOptions',
    assertion: 'AssertionOptions',
  };
  /** @param {string} option */
  const isListed = (option) => !(option in groups) || option === 'apiRetries'; // also true or false
  return new Map([
    ...['AppAuthOptions', 'BoxAuthOptions', 'BoxAuthModuleOptions', 'BoxAuthModuleExtras'].flatMap(
      (name) => membersOf(name).filter(([option]) => isListed(option)),
    ),
    ...Object.entries(groups).flatMap(([group, name]) =>
      membersOf(name).map(
        ([option, standard]) => /** @type {const} */ ([`${group}.${option}`, standard]),
      ),
    ),
  ]);
}

/** The options that only Workfront has. */
function workfrontOptions() {
  const names = [
    'WorkfrontAddress',
    'WorkfrontCredentials',
    'WorkfrontAuthOptions',
    'WorkfrontAuthModuleOptions',
    'WorkfrontAuthModuleExtras',
  ];
  return new Map(names.flatMap(membersOf));
}

/** The options of connections, in Nest and in Express. */
function connectionOptions() {
  const names = [
    'BoxConnectionsOptions',
    'BoxConnectionsExpressOptions',
    'BoxConnectionsModuleExtras',
    'BoxConnectionsModuleRoutes',
  ];
  const shared = new Set(['fetch', 'renewal', 'tokenEndpoint', 'replayBufferBytes', 'runtime']);
  return new Map([
    ...names.flatMap(membersOf),
    ...membersOf('AppAuthOptions').filter(([option]) => shared.has(option)),
  ]);
}

/** The options of webhooks, in Nest and in Express. */
function webhookOptions() {
  const names = [
    'BoxWebhookVerification',
    'BoxWebhooksOptions',
    'BoxWebhookExpressOptions',
    'BoxWebhooksModuleExtras',
  ];
  return new Map(names.flatMap(membersOf));
}

/**
 * @param {string} name of an interface
 * @returns {[string, string | undefined][]}
 */
function membersOf(name) {
  return declaration(ts.isInterfaceDeclaration, name).members.map((member) => {
    const comment = ts
      .getJSDocCommentsAndTags(member)
      .map(({ comment: text }) => ts.getTextOfJSDocComment(text) ?? '')
      .join(' ');
    return [member.name?.getText() ?? '', /\bDefault (.+?)[.:](?:\s|$)/s.exec(comment)?.[1]];
  });
}

/** The defaults that the code has in objects, by the full names of their options. */
function constants() {
  const objects = {
    renewal: 'renewalDefaults',
    tokenEndpoint: 'tokenEndpointDefaults',
    apiRetries: 'apiRetryDefaults',
  };
  return Object.entries(objects).flatMap(([group, name]) => {
    const object = sources
      .flatMap(({ statements }) => Array.from(statements))
      .filter(ts.isVariableStatement)
      .flatMap((statement) => statement.declarationList.declarations)
      .find((variable) => variable.name.getText() === name)?.initializer;
    if (object === undefined || !ts.isObjectLiteralExpression(object))
      throw new Error(`lib has no object ${name}.`);
    return object.properties.filter(ts.isPropertyAssignment).map((property) => {
      const value = property.initializer.getText().replaceAll('_', '');
      return /** @type {const} */ ([`${group}.${property.name.getText()}`, value]);
    });
  });
}

/**
 * The one declaration with this name. lib/testing may have another one.
 *
 * @template {ts.ClassDeclaration | ts.InterfaceDeclaration | ts.TypeAliasDeclaration} T
 * @param {(node: ts.Node) => node is T} isKind
 * @param {string} name
 * @param {(source: ts.SourceFile) => boolean} isWithin
 * @returns {T}
 */
function declaration(isKind, name, isWithin = (source) => !inTesting(source)) {
  const [found, other] = sources
    .filter(isWithin)
    .flatMap(({ statements }) => Array.from(statements))
    .filter(isKind)
    .filter((node) => node.name?.text === name);
  if (found === undefined) throw new Error(`lib does not declare ${name}.`);
  if (other !== undefined) throw new Error(`lib declares ${name} twice.`);
  return found;
}

/** @param {ts.SourceFile} source */
function inTesting({ fileName }) {
  return fileName.startsWith('lib/testing/');
}

/** @param {string} document */
function checkLinks(document) {
  for (const target of targetsIn(read(document))) {
    if (/^[a-z]+:/.test(target)) continue;
    const [path = '', anchor] = target.split('#');
    const file = path === '' ? document : relative(root, join(root, dirname(document), path));
    if (!existsSync(join(root, file)))
      mistakes.push(`${document} links ${target}, which does not exist.`);
    else if (anchor !== undefined && !anchorsIn(read(file)).includes(decodeURIComponent(anchor))) {
      mistakes.push(`${document} links ${target}, but there is no such heading.`);
    }
  }
}

/** @param {string} file */
function parse(file) {
  return ts.createSourceFile(file, read(file), ts.ScriptTarget.Latest, true);
}
