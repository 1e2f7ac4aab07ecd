// Prints what the test runner counted, `N passed, N failed`, from its JSON report: `node scripts/test-summary.mjs FILE`.
import { readFile } from 'node:fs/promises';

const [reportFile = ''] = process.argv.slice(2);
/** @type {Record<'numPassedTests' | 'numFailedTests' | 'numPendingTests' | 'numTodoTests', number>} */
// oxlint-disable-next-line typescript/no-unsafe-assignment -- as Vitest documents its report
const report = JSON.parse(await readFile(reportFile, 'utf8'));

const passed = report.numPassedTests;
const failed = report.numFailedTests;
const skipped = report.numPendingTests + report.numTodoTests;

console.log(`${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`);
// No test is no success.
if (passed === 0 || failed > 0) process.exitCode = 1;
