import { performance } from 'node:perf_hooks';

/**
 * Runs a step and prints one line, or the details of its failure, which also sets the exit code. Returns whether it succeeded.
 *
 * @param {string} title
 * @param {() => Promise<string | void>} work may return a text for the line
 */
export async function step(title, work) {
  const began = performance.now();
  try {
    const outcome = await work();
    const seconds = ((performance.now() - began) / 1_000).toFixed(1);
    console.log(`ok ${title}${outcome === undefined ? '' : `: ${outcome}`} (${seconds} s)`);
    return true;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    console.log(`FAILED ${title}\n${reason.replaceAll(/^/gm, '  ')}`);
    process.exitCode = 1;
    return false;
  }
}
