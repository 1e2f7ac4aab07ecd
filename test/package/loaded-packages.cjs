// Prints which packages Node has loaded after each step: `node loaded-packages.cjs import`, or `… require`.
const { readFileSync, rmSync, writeFileSync } = require('node:fs');
const { register } = require('node:module');
const path = require('node:path');
const { pathToFileURL } = require('node:url');

const byImport = process.argv[2] === 'import';
const logFile = path.join(__dirname, 'resolution.log');

void (async () => {
  writeFileSync(logFile, '');
  register('./resolution-log.mjs', pathToFileURL(__filename), { data: { logFile } });

  await load('nestjs-box-auth/testing');
  report('nestjs-box-auth/testing');

  const { BoxAuthModule } = byImport ? await import('nestjs-box-auth') : require('nestjs-box-auth');
  report('nestjs-box-auth');

  // Its last import is the promise of what reads the environment.
  await BoxAuthModule.forRoot().imports?.at(-1);
  report('forRoot()');

  await load('nestjs-box-auth/axios');
  report('nestjs-box-auth/axios');
  rmSync(logFile);
})();

/** @param {string} name */
async function load(name) {
  await (byImport ? import(name) : require(name));
}

/** @param {string} step */
function report(step) {
  const imported = readFileSync(logFile, 'utf8')
    .split('\n')
    .flatMap((specifier) => /^(@[^/]+\/)?[^./@:][^/:]*(?=\/|$)/.exec(specifier)?.[0] ?? []);
  const required = Object.keys(require.cache).flatMap(
    (file) => /.*[/\\]node_modules[/\\]((@[^/\\]+[/\\])?[^/\\]+)/.exec(file)?.[1] ?? [],
  );
  const packages = [...new Set([...imported, ...required])];
  process.stdout.write(`${JSON.stringify({ step, packages })}\n`);
}
