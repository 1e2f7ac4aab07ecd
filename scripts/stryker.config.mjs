// One room of the core: test-mutation.mjs goes through them all.
const room = process.env['MUTATED_ROOM'];

/** @type {import('@stryker-mutator/api/core').PartialStrykerOptions} */
export default {
  testRunner: 'vitest',
  vitest: { configFile: 'vitest.mutation.config.ts' },
  mutate: [`lib/${room}/**/*.ts`],
  coverageAnalysis: 'perTest',
  ignoreStatic: true,
  reporters: ['clear-text', 'progress', 'json'],
  clearTextReporter: { allowColor: false, logTests: false },
  jsonReporter: { fileName: `reports/mutation/${room}.json` },
  tempDirName: '.stryker-tmp',
  timeoutMS: 20_000,
};
