import { performance } from 'node:perf_hooks';

/**
 * Does one step and prints one line about it, or all about its failure, which also fails the process in the end. Tells
 * whether it succeeded.
 *
 * @param {string} title
 * @param {() => Promise<string | void>} work hands back what the line says besides the title
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
