import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runTool } from '../command.mjs';

/**
 * @param {Record<string, string>} modules the option `module` for each `moduleResolution`
 * @param {string[]} files
 * @returns {import('./expected-calls.mjs').Expectation}
 */
export function expectTypesFit(modules, files) {
  const shared = {
    target: 'es2022',
    strict: true,
    skipLibCheck: false,
    types: ['node'],
    experimentalDecorators: true,
    emitDecoratorMetadata: true,
    noEmit: true,
  };
  return async (folder) => {
    const tsconfigs = await Promise.all(
      Object.entries(modules).map(async ([moduleResolution, module]) => {
        const tsconfig = `tsconfig.${moduleResolution}.json`;
        const compilerOptions = { ...shared, module, moduleResolution };
        await writeFile(join(folder, tsconfig), JSON.stringify({ compilerOptions, files }));
        return tsconfig;
      }),
    );
    // One process reads the declarations of all packages once. --verbose names the configuration before its mistakes.
    await runTool('tsc', ['--build', '--verbose', ...tsconfigs], { cwd: folder });
  };
}
