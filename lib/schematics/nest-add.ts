import { createRequire } from 'node:module';
import { join, posix } from 'node:path';
import type { Rule, SchematicContext, Tree } from '@angular-devkit/schematics';
import { addBoxAuthModule, callsBoxAuthModule, PACKAGE } from './app-module-edit.js';
import { withBoxVariables } from './env-example.js';
import { isSupported, withPeerDependencies } from './peer-dependencies.js';
import { rootModuleIn } from './root-module.js';
import type { TypeScript } from './app-file.js';

const MANIFEST = 'package.json';
const ENV_EXAMPLE = '.env.example';

/** The task of the devkit that installs the dependencies with the package manager of the app. */
const INSTALL = { name: 'node-package', options: { command: 'install', quiet: true } };

const BY_HAND = `import { BoxAuthModule } from '${PACKAGE}';

  imports: [BoxAuthModule.forRoot()]`;

const NEXT_STEPS = `BoxAuthModule reads its credentials from the environment. Next steps:
  1. Copy .env.example to .env, and set one group of credentials. Without a Box account, start the emulator,
     npx ${PACKAGE} emulate --port 4000 --write-config emulated.json
     and set BOX_CONFIG_FILE=emulated.json and BOX_API_URL=http://127.0.0.1:4000.
  2. To load the file, add ConfigModule.forRoot() of @nestjs/config before BoxAuthModule in the root module.
  3. Check the credentials: npx ${PACKAGE} doctor --dotenv .env
  4. Inject BoxFetch and call Box: await this.box('/2.0/users/me')`;

/** The options that `nest add` passes. */
export interface NestAddOptions {
  /** The folder with the sources of the app. Default `src`. */
  readonly sourceRoot?: string;
}

/** The installed packages of the app that the schematic needs. */
export interface AppPackages {
  readonly nestVersion: string;
  /** Undefined if the app has no TypeScript, or one without an API for compilers. */
  readonly compiler: TypeScript | undefined;
}

/** Called by `nest add nestjs-box-auth`, with the folder of the app as the working directory. */
export function nestAdd(options: NestAddOptions): Rule {
  return addBoxAuth(options, installedIn(process.cwd()));
}

/**
 * Adds `BoxAuthModule.forRoot()` to the root module, the Box variables to `.env.example`, and the peer dependencies to package.json.
 * Changes nothing that is there already.
 */
export function addBoxAuth(
  { sourceRoot = 'src' }: NestAddOptions,
  { nestVersion, compiler }: AppPackages,
): Rule {
  return (tree, context) => {
    if (!isSupported(nestVersion)) {
      throw new Error(
        `Invalid version of @nestjs/core: expected 11 or 12, received ${nestVersion}. Fix: update Nest.`,
      );
    }
    addToRootModule(tree, sourceRoot, compiler, context);
    change(tree, ENV_EXAMPLE, withBoxVariables);
    const isChanged = change(tree, MANIFEST, (text = '{}') =>
      withPeerDependencies(text, nestVersion),
    );
    if (isChanged) context.addTask({ toConfiguration: () => INSTALL });
    context.logger.info(NEXT_STEPS);
  };
}

function addToRootModule(
  tree: Tree,
  sourceRoot: string,
  compiler: TypeScript | undefined,
  { logger }: SchematicContext,
): void {
  if (compiler === undefined) {
    logger.warn(notEdited('the root module', 'the app has no TypeScript with a compiler API'));
    return;
  }
  const present = fileWithBoxAuthModule(tree, sourceRoot, compiler);
  if (present !== undefined) {
    logger.info(`${present} imports BoxAuthModule already.`);
    return;
  }
  const { path, className } = rootModuleOf(tree, sourceRoot, compiler);
  const text = textOf(tree, path);
  const edit =
    text === undefined
      ? { problem: 'it does not exist' }
      : addBoxAuthModule(compiler, text, className);
  if ('problem' in edit) logger.warn(notEdited(path, edit.problem));
  else tree.overwrite(path, edit.text);
}

/** The module that `main.ts` starts, else `AppModule` in `app.module.ts`. */
function rootModuleOf(
  tree: Tree,
  sourceRoot: string,
  compiler: TypeScript,
): { readonly path: string; readonly className: string | undefined } {
  const main = textOf(tree, posix.join(sourceRoot, 'main.ts'));
  const found = main === undefined ? undefined : rootModuleIn(compiler, main, sourceRoot);
  return found !== undefined && tree.exists(`${found.path}.ts`)
    ? { ...found, path: `${found.path}.ts` }
    : { path: posix.join(sourceRoot, 'app.module.ts'), className: 'AppModule' };
}

/** A second BoxAuthModule would fail the start of the app. */
function fileWithBoxAuthModule(
  tree: Tree,
  sourceRoot: string,
  compiler: TypeScript,
): string | undefined {
  let found: string | undefined;
  tree.getDir(sourceRoot).visit((path, entry) => {
    if (!/(?<!\.d|\.spec|\.test|-spec)\.ts$/.test(path) || path.includes('/node_modules/')) return;
    const text = entry?.content.toString('utf8') ?? '';
    if (callsBoxAuthModule(compiler, text)) found ??= path.slice(1);
  });
  return found;
}

function notEdited(place: string, problem: string): string {
  return `Cannot edit ${place}: ${problem}. Fix: add these lines to the root module by hand.\n\n  ${BY_HAND}\n`;
}

/** Writes the edited text of a file. Returns whether it differs. */
function change(tree: Tree, path: string, edit: (text?: string) => string): boolean {
  const before = textOf(tree, path);
  const after = edit(before);
  if (after === before) return false;
  if (before === undefined) tree.create(path, after);
  else tree.overwrite(path, after);
  return true;
}

function textOf(tree: Tree, path: string): string | undefined {
  return tree.read(path)?.toString('utf8');
}

/** @throws Error if the app has no Nest */
function installedIn(folder: string): AppPackages {
  const load = createRequire(join(folder, MANIFEST));
  return { nestVersion: nestVersionOf(load), compiler: compilerOf(load) };
}

function nestVersionOf(load: NodeJS.Require): string {
  try {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- every package.json has a version
    return (load('@nestjs/core/package.json') as { version: string }).version;
  } catch {
    throw new Error(
      'Cannot find @nestjs/core. Fix: run this in the folder of a NestJS app, after npm install.',
    );
  }
}

function compilerOf(load: NodeJS.Require): TypeScript | undefined {
  try {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- checked in the next line
    const compiler = load('typescript') as Partial<TypeScript>;
    return 'createSourceFile' in compiler ? compiler : undefined;
  } catch {
    return undefined;
  }
}
