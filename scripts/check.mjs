// Runs all checks of the files, several at a time: `npm run check`.
import { root, run, runTool } from './command.mjs';
import { step } from './package-test/step.mjs';
import { runTasks } from './package-test/task-queue.mjs';

/**
 * The longest first, so that no core is idle at the end.
 *
 * @type {Record<string, () => Promise<unknown>>}
 */
const checks = {
  types: () => runTool('tsc', ['--noEmit']),
  format: () => runTool('prettier', ['--check', '.']),
  lint: () => runTool('oxlint', ['--type-aware', '--deny-warnings']),
  examples: () => runScript('check-examples'),
  prose: () => runScript('check-prose'),
  documents: () => runScript('check-documents'),
  translation: () => runScript('check-translation'),
};

await runTasks(
  Object.entries(checks).map(([title, check]) => async () => {
    await step(title, async () => {
      await check();
    });
  }),
);

/** @param {string} name */
function runScript(name) {
  return run(process.execPath, [`scripts/${name}.mjs`], { cwd: root });
}
