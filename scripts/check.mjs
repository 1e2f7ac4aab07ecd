// Runs all checks of the files, several at a time: `npm run check`.
import { root, run, runTool } from './command.mjs';
import { step } from './step.mjs';
import { runTasks } from './task-queue.mjs';

/** The checks share the processor, possibly with other programs. */
const timeout = 600_000;

/**
 * The longest first, so that no core is idle at the end.
 *
 * @type {Record<string, () => Promise<unknown>>}
 */
const checks = {
  types: () => runTool('tsc', ['--noEmit'], { timeout }),
  format: () => runTool('prettier', ['--check', '.'], { timeout }),
  lint: () => runTool('oxlint', ['--type-aware', '--deny-warnings'], { timeout }),
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
  return run(process.execPath, [`scripts/${name}.mjs`], { cwd: root, timeout });
}
