import { run } from '../command.mjs';

/**
 * @param {string[]} packages in addition to those of the folder's package.json
 * @param {string} folder
 */
export async function install(packages, folder) {
  const flags = ['--prefer-offline', '--no-audit', '--no-fund', '--ignore-scripts'];
  await run('npm', ['install', ...flags, ...packages], { cwd: folder });
}
