// Runs before each spec file is loaded. In a thread that is kept, the mutant of the previous run would still be active: a decorator
// that throws while the file is loaded would then end this run, and all later ones, without a test.

/** @type {{ activeMutant?: string | undefined } | undefined} */
const stryker = Reflect.get(globalThis, '__stryker__');
if (stryker !== undefined) stryker.activeMutant = undefined;
