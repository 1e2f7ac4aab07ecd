// One folder of lib: test-mutation.mjs goes through them all.
const folder = process.env['MUTATED_FOLDER'];

/** @type {import('@stryker-mutator/api/core').PartialStrykerOptions} */
export default {
  testRunner: 'vitest',
  vitest: { configFile: 'vitest.mutation.config.ts', related: false },
  mutate: [`lib/${folder}/**/*.ts`],
  coverageAnalysis: 'perTest',
  ignoreStatic: true,
  reporters: ['clear-text', 'progress', 'json'],
  clearTextReporter: { allowColor: false, logTests: false, reportTests: false },
  jsonReporter: { fileName: `reports/mutation/${folder}.json` },
  tempDirName: '.stryker-tmp',
  timeoutMS: 10_000,
  // For `npm run test:mutation -- --changed`.
  incremental: true,
  incrementalFile: `reports/mutation/${folder}.incremental.json`,
};
