import { Logger } from '@nestjs/common';
import type { ModulesContainer } from '@nestjs/core';
import { logEvents, type StartingApp, type WarmUp, warmUpApp } from '../core/app/app-start.js';
import type { OnBadCredentials } from '../core/app/bad-credentials.js';
import { BoxAuthError } from '../core/errors/box-auth.error.js';
import type { AuthModule, ModuleImport } from './auth-module.js';

interface App extends StartingApp {
  keepWarm(): void;
}

interface LifecycleOptions {
  readonly warmUp?: WarmUp | undefined;
  readonly onBadCredentials?: OnBadCredentials | undefined;
}

/** The objects that Nest injects into one import of an issuer's module. */
interface LifecycleParts {
  readonly moduleImport: ModuleImport | undefined;
  /** Undefined if a test replaced the provider by an object with only its methods. */
  readonly app: App | undefined;
  readonly provider: { getToken(): Promise<unknown> } | undefined;
  readonly options: LifecycleOptions | undefined;
  readonly modules: ModulesContainer;
}

/** Runs one app of an issuer from bootstrap to shutdown. */
export class AppLifecycle {
  readonly #module: AuthModule;
  readonly #moduleImport: ModuleImport;
  readonly #app: App | undefined;
  readonly #provider: { getToken(): Promise<unknown> };
  readonly #options: LifecycleOptions;
  readonly #modules: ModulesContainer;
  readonly #logger: Logger;

  /** @throws BoxAuthError `option_invalid` if the module was imported without `forRoot` */
  constructor(
    module: AuthModule,
    { moduleImport, app, provider, options, modules }: LifecycleParts,
  ) {
    if (moduleImport === undefined || provider === undefined || options === undefined) {
      throw importedWithoutForRoot(module.name);
    }
    this.#module = module;
    this.#moduleImport = moduleImport;
    this.#app = app;
    this.#provider = provider;
    this.#options = options;
    this.#modules = modules;
    const { name } = moduleImport;
    this.#logger = new Logger(name === undefined ? module.name : `${module.name}(${name})`);
  }

  /** @throws BoxAuthError `option_invalid` for clashing imports, and with `warmUp: 'require'` the errors of `getToken` */
  async start(): Promise<void> {
    checkForClash(this.#module, this.#moduleImport, this.#modules);
    if (this.#app !== undefined) logEvents(this.#app, this.#logger);
    const { warmUp = 'off', onBadCredentials = 'fail' } = this.#options;
    const { name } = this.#moduleImport;
    await warmUpApp(this.#app, this.#provider, {
      name,
      warmUp,
      onBadCredentials,
      logger: this.#logger,
    });
  }

  keepWarm(): void {
    this.#app?.keepWarm();
  }

  stop(): void {
    this.#app?.close();
  }
}

export function importedWithoutForRoot(moduleName: string): BoxAuthError {
  return new BoxAuthError({
    code: 'option_invalid',
    message: `${moduleName} is imported without forRoot(), so it provides nothing.`,
    hint: `Import ${moduleName}.forRoot() or forRootAsync(…) once. The module is global: other modules get its providers without importing it.`,
    docs: 'https://docs.nestjs.com/modules#dynamic-modules',
  });
}

/** Rejects two imports that are visible to the same module, because Nest would choose one of them arbitrarily. */
export function checkForClash(
  { name: moduleName, importToken, extraOptionNames, clashHint }: AuthModule,
  { name }: ModuleImport,
  modules: ModulesContainer,
): void {
  const imports = [...modules.values()].flatMap((module) => importOf(module, importToken) ?? []);
  const namesakes = imports.filter((other) => other.name === name);
  const clashes = name === undefined ? namesakes.filter(({ isGlobal }) => isGlobal) : namesakes;
  if (clashes.length < 2) return;
  const withoutName = extraOptionNames.includes('name') ? ', without a name' : '';
  throw new BoxAuthError({
    code: 'option_invalid',
    message:
      name === undefined
        ? `${moduleName} is imported ${clashes.length} times as a global module${withoutName}.`
        : `${moduleName} is imported ${clashes.length} times with the name ${JSON.stringify(name)}.`,
    hint: `Import forRoot() only once: every module gets its providers. Or ${clashHint}. Or store the dynamic module in a constant and import the constant.`,
    docs: 'https://docs.nestjs.com/modules#dynamic-modules',
  });
}

type NestModule = ModulesContainer extends Map<string, infer Module> ? Module : never;

function importOf(module: NestModule, token: symbol): ModuleImport | undefined {
  const found: unknown = module.providers.get(token)?.instance;
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- only this package provides the token
  return found as ModuleImport | undefined;
}
