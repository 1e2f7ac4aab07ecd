import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../', import.meta.url));
const bench = join(root, 'bench');
const installed = join(bench, 'node_modules/nestjs-box-auth');

/** Installs the peers unless they match the lock file. */
export function installPeers() {
  const lock = join(bench, 'package-lock.json');
  const mark = join(bench, 'node_modules/.package-lock.json');
  if (existsSync(mark) && statSync(mark).mtimeMs >= statSync(lock).mtimeMs) return;
  npm(bench, 'ci', '--ignore-scripts', '--no-audit', '--no-fund');
}

export function buildPackage() {
  npm(root, 'run', 'build');
}

/** Installs the packed package next to the peers, so that the benchmark measures what users get. */
export function installPackage() {
  const folder = mkdtempSync(join(tmpdir(), 'box-bench-package-'));
  try {
    const packed = npm(root, 'pack', '--ignore-scripts', '--json', '--pack-destination', folder);
    const file = /"filename":\s*"([^"]+)"/.exec(packed)?.[1];
    if (file === undefined) throw new Error('npm pack printed no file name');
    rmSync(installed, { recursive: true, force: true });
    mkdirSync(installed);
    execFileSync('tar', ['-xzf', join(folder, file), '-C', installed, '--strip-components=1']);
    checkDependencies();
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Checks that the dependencies installed with the peers are the versions that users get. */
function checkDependencies() {
  const ours = dependenciesOf(bench);
  for (const [name, range] of Object.entries(dependenciesOf(installed))) {
    if (ours[name] === range) continue;
    throw new Error(`bench/package.json needs "${name}": "${range}", as the package has it.`);
  }
}

/**
 * @param {string} folder
 * @returns {Record<string, string>}
 */
function dependenciesOf(folder) {
  /** @type {{ dependencies: Record<string, string> }} */
  const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  return manifest.dependencies;
}

/**
 * @param {string} cwd
 * @param {string[]} args
 */
function npm(cwd, ...args) {
  return execFileSync('npm', args, {
    cwd,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  });
}
