import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runTool } from '../command.mjs';

/**
 * @param {string} module
 * @param {string} moduleResolution
 * @param {string[]} files
 * @returns {import('./expected-calls.mjs').Expectation}
 */
export function expectTypesFit(module, moduleResolution, files) {
  const compilerOptions = {
    target: 'es2022',
    strict: true,
    skipLibCheck: false,
    types: ['node'],
    experimentalDecorators: true,
    emitDecoratorMetadata: true,
    module,
    moduleResolution,
    noEmit: true,
  };
  return async (folder) => {
    const tsconfig = `tsconfig.${moduleResolution}.json`;
    await writeFile(join(folder, tsconfig), JSON.stringify({ compilerOptions, files }));
    await runTool('tsc', ['-p', tsconfig], { cwd: folder });
  };
}
