import { readFileSync } from 'node:fs';
import {
  callRule,
  HostTree,
  type Rule,
  type SchematicContext,
  type Tree,
} from '@angular-devkit/schematics';
import { parseEnv } from 'node:util';
import { lastValueFrom } from 'rxjs';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';
import { boxVariables } from '../../lib/box/box-variables.js';
import { addBoxAuth, nestAdd, type NestAddOptions } from '../../lib/schematics/nest-add.js';

const NEST_12 = { nestVersion: '12.5.1', compiler: ts };
const manifestOfPackage = JSON.parse(readFileSync('package.json', 'utf8')) as {
  readonly peerDependencies: Readonly<Record<string, string>>;
};

const APP = {
  'package.json': `{
  "name": "app",
  "dependencies": {
    "@nestjs/common": "^12.0.0",
    "@nestjs/core": "^12.0.0",
    "nestjs-box-auth": "^1.0.0"
  }
}
`,
  'src/main.ts': `import { NestFactory } from '@nestjs/core';
import { AppModule } from './app.module.js';

async function bootstrap() {
  const app = await NestFactory.create(AppModule);
  await app.listen(process.env.PORT ?? 3000);
}
await bootstrap();
`,
  'src/app.module.ts': `import { Module } from '@nestjs/common';

@Module({
  imports: [],
})
export class AppModule {}
`,
};

/** An app that the schematic runs in. */
class App {
  readonly tree: Tree = new HostTree();
  readonly logged: string[] = [];
  readonly warned: string[] = [];
  readonly tasks: unknown[] = [];

  constructor(files: Readonly<Record<string, string>> = APP) {
    for (const [path, text] of Object.entries(files)) this.tree.create(path, text);
  }

  async run(rule: Rule): Promise<void> {
    const context = {
      logger: {
        info: (line: string) => this.logged.push(line),
        warn: (line: string) => this.warned.push(line),
      },
      addTask: (task: { toConfiguration(): unknown }) => this.tasks.push(task.toConfiguration()),
    };
    await lastValueFrom(callRule(rule, this.tree, context as unknown as SchematicContext));
  }

  /** Adds the package. */
  add(options: NestAddOptions = {}, packages = NEST_12): Promise<void> {
    return this.run(addBoxAuth(options, packages));
  }

  read(path: string): string {
    return this.tree.readText(path);
  }

  /** All files, by their paths. */
  get files(): Readonly<Record<string, string>> {
    const files: Record<string, string> = {};
    this.tree.visit((path) => (files[path] = this.read(path)));
    return files;
  }
}

/** Adds the package to an app with these files besides those of `nest new`. */
async function added(
  files: Readonly<Record<string, string>>,
  options?: NestAddOptions,
): Promise<App> {
  const app = new App({ ...APP, ...files });
  await app.add(options);
  return app;
}

describe('nest add', () => {
  it('is found in the package', async () => {
    const { schematics } = JSON.parse(readFileSync('lib/schematics/collection.json', 'utf8')) as {
      readonly schematics: Readonly<Record<string, { readonly factory: string }>>;
    };
    expect(Object.keys(schematics)).toEqual(['nest-add']);
    const [file, name] = schematics['nest-add']?.factory.split('#') ?? [];
    const path = new URL(`../../lib/schematics/${file}.ts`, import.meta.url).pathname;
    const module = (await import(path)) as Record<string, unknown>;
    expect(module[name ?? '']).toBe(nestAdd);
  });

  it('uses the Nest and the TypeScript in the working directory', async () => {
    const app = new App();
    await app.run(nestAdd({ sourceRoot: 'src' }));
    expect(app.warned).toEqual([]);
    expect(app.read('src/app.module.ts')).toContain('imports: [BoxAuthModule.forRoot()]');
    expect(app.read('package.json')).toContain('"@nestjs/config": "^12.0.0"');
  });

  it('adds the module, the peer and the names of the variables, and installs the peer', async () => {
    const app = await added({});
    expect(app.read('src/app.module.ts')).toBe(`import { Module } from '@nestjs/common';
import { BoxAuthModule } from 'nestjs-box-auth';

@Module({
  imports: [BoxAuthModule.forRoot()],
})
export class AppModule {}
`);
    expect(app.read('package.json')).toBe(
      APP['package.json'].replace(
        '    "@nestjs/core"',
        '    "@nestjs/config": "^12.0.0",\n    "@nestjs/core"',
      ),
    );
    const names = Object.keys(boxVariables);
    expect(parseEnv(app.read('.env.example'))).toEqual(
      Object.fromEntries(names.map((name) => [name, ''])),
    );
    expect(app.read('src/main.ts')).toBe(APP['src/main.ts']);
    expect(app.tasks).toEqual([
      { name: 'node-package', options: { command: 'install', quiet: true } },
    ]);
    expect(app.logged.join('\n')).toContain('npx nestjs-box-auth doctor --dotenv .env');
  });

  it('changes nothing the second time', async () => {
    const app = await added({});
    const { files } = app;
    app.tasks.length = 0;
    await app.add();
    expect(app.files).toEqual(files);
    expect(app.tasks).toEqual([]);
    expect(app.warned).toEqual([]);
    expect(app.logged.join('\n')).toContain('src/app.module.ts imports BoxAuthModule already.');
  });

  it.each([
    ['11.1.0', '^4.0.0'],
    ['12.5.1', '^12.0.0'],
  ])('adds the @nestjs/config that fits NestJS %s', async (nestVersion, expected) => {
    const app = new App();
    await app.add({}, { ...NEST_12, nestVersion });
    expect(app.read('package.json')).toContain(`"@nestjs/config": "${expected}"`);
    const range = manifestOfPackage.peerDependencies['@nestjs/config']?.split(' || ');
    expect(range).toContain(expected.replace('.0.0', ''));
  });

  it('fails in an app of another version, and changes nothing', async () => {
    const app = new App();
    const { files } = app;
    await expect(app.add({}, { ...NEST_12, nestVersion: '10.4.0' })).rejects.toThrow(
      'Invalid version of @nestjs/core: expected 11 or 12, received 10.4.0. Fix: update Nest.',
    );
    expect(app.files).toEqual(files);
  });

  it.each(['dependencies', 'devDependencies'])('keeps the @nestjs/config in %s', async (group) => {
    const manifest = `{"${group}":{"@nestjs/config":"4.0.0"}}`;
    const app = await added({ 'package.json': manifest });
    expect(app.read('package.json')).toBe(manifest);
    expect(app.tasks).toEqual([]);
  });

  it('keeps the format of package.json', async () => {
    const app = await added({ 'package.json': '{\r\n\t"type": "module"\r\n}' });
    expect(app.read('package.json')).toBe(
      '{\r\n\t"type": "module",\r\n\t"dependencies": {\r\n\t\t"@nestjs/config": "^12.0.0"\r\n\t}\r\n}',
    );
  });

  it('adds only the missing variables to .env.example', async () => {
    const before = 'PORT=3000\n# BOX_CONFIG=\nexport BOX_CLIENT_ID=abc\nBOX_API_URL_OLD=';
    const app = await added({ '.env.example': before });
    const after = app.read('.env.example');
    expect(after.startsWith(`${before}\n\n# Box: set`)).toBe(true);
    expect(after.match(/BOX_CONFIG=/g)).toHaveLength(1);
    expect(parseEnv(after)).toMatchObject({ BOX_CLIENT_ID: 'abc', BOX_API_URL: '', PORT: '3000' });
  });
});

describe('nest add finds the root module', () => {
  const ROOT = APP['src/app.module.ts'].replace('AppModule', 'ApiModule');
  const main = (imported: string, argument = 'ApiModule') =>
    `import { NestFactory } from '@nestjs/core';\nimport ${imported};\nvoid NestFactory.create(${argument});\n`;

  it.each([
    ['by its file', main("{ ApiModule } from './api/api.module.js'")],
    ['by its file without an extension', main("{ ApiModule } from './api/api.module'")],
    ['by another name', main("{ ApiModule as Root } from './api/api.module'", 'Root')],
    ['as a default export', main("Root from './api/api.module'", 'Root, { logger: false }')],
  ])('%s', async (_, text) => {
    const app = await added(
      { 'apps/api/src/main.ts': text, 'apps/api/src/api/api.module.ts': ROOT },
      { sourceRoot: 'apps/api/src' },
    );
    expect(app.warned).toEqual([]);
    expect(app.read('apps/api/src/api/api.module.ts')).toContain('[BoxAuthModule.forRoot()]');
    expect(app.read('src/app.module.ts')).toBe(APP['src/app.module.ts']);
  });

  it.each([
    ['no main.ts', undefined],
    ['another start', 'start();'],
    ['a path alias', main("{ ApiModule } from '@app/api'")],
    ['a file that does not exist', main("{ ApiModule } from './api.js'")],
  ])('in app.module.ts, with %s', async (_, text) => {
    const app = await added(
      {
        ...(text !== undefined && { 'apps/api/src/main.ts': text }),
        'apps/api/src/app.module.ts': APP['src/app.module.ts'],
      },
      { sourceRoot: 'apps/api/src' },
    );
    expect(app.warned).toEqual([]);
    expect(app.read('apps/api/src/app.module.ts')).toContain('[BoxAuthModule.forRoot()]');
  });

  it('unless another file imports BoxAuthModule', async () => {
    const app = await added({
      'src/box/box.module.ts':
        "import { BoxAuthModule } from 'nestjs-box-auth';\nexport const box = BoxAuthModule.forRoot();\n",
    });
    expect(app.read('src/app.module.ts')).toBe(APP['src/app.module.ts']);
    expect(app.logged.join('\n')).toContain('src/box/box.module.ts imports BoxAuthModule already.');
  });

  it('next to tests that import BoxAuthModule', async () => {
    const app = await added({
      'src/box.spec.ts':
        "import { BoxAuthModule } from 'nestjs-box-auth';\nBoxAuthModule.forRoot();\n",
    });
    expect(app.read('src/app.module.ts')).toContain('[BoxAuthModule.forRoot()]');
  });
});

describe('nest add explains what it cannot edit, and does the rest', () => {
  const BY_HAND =
    "Fix: add these lines to the root module by hand.\n\n  import { BoxAuthModule } from 'nestjs-box-auth';\n\n  imports: [BoxAuthModule.forRoot()]\n";

  it.each([
    [
      'an app without a root module',
      { 'src/main.ts': '', 'src/app.module.ts': undefined },
      NEST_12,
      'Cannot edit src/app.module.ts: it does not exist.',
    ],
    [
      'a module without a class',
      { 'src/app.module.ts': 'export const AppModule = createModule();\n' },
      NEST_12,
      'Cannot edit src/app.module.ts: it has no class with @Module().',
    ],
    [
      'a module with computed imports',
      { 'src/app.module.ts': '@Module({ imports: modules() })\nexport class AppModule {}\n' },
      NEST_12,
      'Cannot edit src/app.module.ts: `imports` of its @Module() is not an array literal.',
    ],
    [
      'an app without TypeScript',
      {},
      { ...NEST_12, compiler: undefined },
      'Cannot edit the root module: the app has no TypeScript with a compiler API.',
    ],
  ])('in %s', async (_, files, packages, message) => {
    const all = Object.entries({ ...APP, ...files });
    const app = new App(
      Object.fromEntries(all.filter((entry): entry is [string, string] => entry[1] !== undefined)),
    );
    await app.run(addBoxAuth({}, packages));
    expect(app.warned).toEqual([`${message} ${BY_HAND}`]);
    expect(app.tree.exists('.env.example')).toBe(true);
    expect(app.read('package.json')).toContain('@nestjs/config');
  });
});
