import { run } from '../command.mjs';

/**
 * @param {string[]} packages besides what the folder's package.json asks for
 * @param {string} folder
 */
export async function install(packages, folder) {
  const flags = ['--prefer-offline', '--no-audit', '--no-fund', '--ignore-scripts'];
  await run('npm', ['install', ...flags, ...packages], { cwd: folder });
}
