// Prints which packages Node loads with an entry point: `node loaded-packages.cjs import nestjs-box-auth`, or `… require …`;
// with `forRoot` as the last argument also those that `BoxAuthModule.forRoot()` loads.
const { readFileSync, rmSync, writeFileSync } = require('node:fs');
const { register } = require('node:module');
const path = require('node:path');
const { pathToFileURL } = require('node:url');

const [, , way, entryPoint = '', call] = process.argv;
const logFile = path.join(__dirname, `resolution-${process.pid}.log`);

void (async () => {
  writeFileSync(logFile, '');
  register('./resolution-log.mjs', pathToFileURL(__filename), { data: { logFile } });
  /** @type {Partial<typeof import('nestjs-box-auth')>} */
  // oxlint-disable-next-line typescript/no-unsafe-assignment -- whichever of ours it is
  const loaded = await (way === 'import' ? import(entryPoint) : require(entryPoint));
  if (call === 'forRoot') {
    // Its last import is the promise of the module that reads the environment.
    await loaded.BoxAuthModule?.forRoot().imports?.at(-1);
  }
  process.stdout.write(`${JSON.stringify(packages())}\n`);
  rmSync(logFile);
})();

function packages() {
  const imported = readFileSync(logFile, 'utf8')
    .split('\n')
    .flatMap((specifier) => /^(@[^/]+\/)?[^./@:][^/:]*(?=\/|$)/.exec(specifier)?.[0] ?? []);
  const required = Object.keys(require.cache).flatMap(
    (file) => /.*[/\\]node_modules[/\\]((@[^/\\]+[/\\])?[^/\\]+)/.exec(file)?.[1] ?? [],
  );
  return [...new Set([...imported, ...required])];
}
