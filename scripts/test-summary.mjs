// Prints the counts of a JSON test report, `N passed, N failed`: `node scripts/test-summary.mjs FILE`.
import { readFile } from 'node:fs/promises';

const [reportFile = ''] = process.argv.slice(2);
/** @type {Record<'numPassedTests' | 'numFailedTests' | 'numPendingTests' | 'numTodoTests', number>} */
// oxlint-disable-next-line typescript/no-unsafe-assignment -- the documented format of Vitest
const report = JSON.parse(await readFile(reportFile, 'utf8'));

const passed = report.numPassedTests;
const failed = report.numFailedTests;
const skipped = report.numPendingTests + report.numTodoTests;

console.log(`${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`);
// A run without tests is a failure.
if (passed === 0 || failed > 0) process.exitCode = 1;
