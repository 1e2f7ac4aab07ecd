import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../', import.meta.url));
const bench = join(root, 'bench');
const installed = join(bench, 'node_modules/nestjs-box-auth');

/** Installs the peers, if they are not there as the lock file wants them. */
export function installPeers() {
  const lock = join(bench, 'package-lock.json');
  const mark = join(bench, 'node_modules/.package-lock.json');
  if (existsSync(mark) && statSync(mark).mtimeMs >= statSync(lock).mtimeMs) return;
  npm(bench, 'ci', '--ignore-scripts', '--no-audit', '--no-fund');
}

export function buildPackage() {
  npm(root, 'run', 'build');
}

/** Puts what would be published where the peers are: measured is what users get. */
export function installPackage() {
  const folder = mkdtempSync(join(tmpdir(), 'box-bench-package-'));
  try {
    const packed = npm(root, 'pack', '--ignore-scripts', '--json', '--pack-destination', folder);
    const file = /"filename":\s*"([^"]+)"/.exec(packed)?.[1];
    if (file === undefined) throw new Error('npm pack named no file');
    rmSync(installed, { recursive: true, force: true });
    mkdirSync(installed);
    execFileSync('tar', ['-xzf', join(folder, file), '-C', installed, '--strip-components=1']);
    checkDependencies();
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** What the package depends on is installed with the peers: it must be the same that users get. */
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
