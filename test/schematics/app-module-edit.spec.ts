import fc from 'fast-check';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';
import { addBoxAuthModule, callsBoxAuthModule } from '../../lib/schematics/app-module-edit.js';

const GENERATED = `import { Module } from '@nestjs/common';
import { AppController } from './app.controller.js';

@Module({
  imports: [],
  controllers: [AppController],
})
export class AppModule {}
`;

function edited(text: string, className = 'AppModule'): string {
  const edit = addBoxAuthModule(ts, text, className);
  if ('problem' in edit) throw new Error(edit.problem);
  return edit.text;
}

function problem(text: string, className: string | undefined = 'AppModule'): string | undefined {
  const edit = addBoxAuthModule(ts, text, className);
  return 'problem' in edit ? edit.problem : undefined;
}

/** A module whose decorator has this argument. */
const withMetadata = (metadata: string) =>
  `import { Module } from '@nestjs/common';\n\n@Module(${metadata})\nexport class AppModule {}\n`;

/** The argument of the decorator after the edit. */
const metadataAfter = (metadata: string) => {
  const text = edited(withMetadata(metadata));
  return text.slice(text.indexOf('@Module(') + '@Module('.length, text.lastIndexOf(')\nexport'));
};

/** The imports of a file before its first class, after the edit. */
const importsAfter = (imports: string) => {
  const text = edited(`${imports}@Module({})\nexport class AppModule {}\n`);
  return text.slice(0, text.indexOf('@Module('));
};

describe('BoxAuthModule is added to a root module', () => {
  it('of nest new', () => {
    expect(edited(GENERATED)).toBe(`import { Module } from '@nestjs/common';
import { AppController } from './app.controller.js';
import { BoxAuthModule } from 'nestjs-box-auth';

@Module({
  imports: [BoxAuthModule.forRoot()],
  controllers: [AppController],
})
export class AppModule {}
`);
  });

  it.each([
    ['without properties', '{}', '{ imports: [BoxAuthModule.forRoot()] }'],
    ['with a space', '{ }', '{ imports: [BoxAuthModule.forRoot()] }'],
    ['with a line break', '{\n}', '{\n  imports: [BoxAuthModule.forRoot()],\n}'],
    [
      'without imports, in one line',
      '{ providers: [A] }',
      '{ imports: [BoxAuthModule.forRoot()], providers: [A] }',
    ],
    [
      'without imports, in several lines',
      '{\n\tproviders: [A],\n}',
      '{\n\timports: [BoxAuthModule.forRoot()],\n\tproviders: [A],\n}',
    ],
    [
      'without imports, with comments',
      '{ // root\n  // services\n  providers: [A],\n}',
      '{ // root\n  imports: [BoxAuthModule.forRoot()],\n  // services\n  providers: [A],\n}',
    ],
    ['one import', '{ imports: [A] }', '{ imports: [A, BoxAuthModule.forRoot()] }'],
    ['a trailing comma', '{ imports: [A,] }', '{ imports: [A, BoxAuthModule.forRoot(),] }'],
    [
      'a call',
      '{ imports: [A.forRoot([1, 2])] }',
      '{ imports: [A.forRoot([1, 2]), BoxAuthModule.forRoot()] }',
    ],
    ['a spread import', '{ imports: [...A] }', '{ imports: [...A, BoxAuthModule.forRoot()] }'],
    [
      'an import per line',
      '{\n  imports: [\n    A,\n    B,\n  ],\n}',
      '{\n  imports: [\n    A,\n    B,\n    BoxAuthModule.forRoot(),\n  ],\n}',
    ],
    [
      'an import per line, without a trailing comma',
      '{\n  imports: [\n    A,\n    B\n  ]\n}',
      '{\n  imports: [\n    A,\n    B,\n    BoxAuthModule.forRoot()\n  ]\n}',
    ],
    [
      'an import of several lines',
      '{\n  imports: [\n    A.forRoot({\n      a: 1,\n    }),\n  ],\n}',
      '{\n  imports: [\n    A.forRoot({\n      a: 1,\n    }),\n    BoxAuthModule.forRoot(),\n  ],\n}',
    ],
    [
      'comments after the imports',
      '{\n  imports: [\n    A, // a\n    B // b\n  ]\n}',
      '{\n  imports: [\n    A, // a\n    B, // b\n    BoxAuthModule.forRoot()\n  ]\n}',
    ],
    [
      'a comment after the only import',
      '{ imports: [A // a\n] }',
      '{ imports: [A, // a\nBoxAuthModule.forRoot()\n] }',
    ],
    ['a quoted name', "{ 'imports': [] }", "{ 'imports': [BoxAuthModule.forRoot()] }"],
    [
      'a type',
      '{ imports: [] as Imports } satisfies ModuleMetadata',
      '{ imports: [BoxAuthModule.forRoot()] as Imports } satisfies ModuleMetadata',
    ],
    [
      'a spread before its imports',
      '{ ...base, imports: [] }',
      '{ ...base, imports: [BoxAuthModule.forRoot()] }',
    ],
  ])('whose metadata has %s', (_, before, after) => {
    expect(metadataAfter(before)).toBe(after);
  });

  it.each([
    [
      'double quotes, without semicolons',
      'import { Module } from "@nestjs/common"\n',
      'import { Module } from "@nestjs/common"\nimport { BoxAuthModule } from "nestjs-box-auth"\n',
    ],
    [
      'a comment after the last import',
      "import { Module } from '@nestjs/common'; // Nest\n\n",
      "import { Module } from '@nestjs/common'; // Nest\nimport { BoxAuthModule } from 'nestjs-box-auth';\n\n",
    ],
    [
      'an import of the package',
      "import { Module } from '@nestjs/common';\nimport { BoxFetch } from 'nestjs-box-auth';\n",
      "import { Module } from '@nestjs/common';\nimport { BoxFetch, BoxAuthModule } from 'nestjs-box-auth';\n",
    ],
    [
      'a long import of the package',
      "import {\n  BoxFetch,\n  BoxUsers,\n} from 'nestjs-box-auth';\n",
      "import {\n  BoxFetch,\n  BoxUsers,\n  BoxAuthModule,\n} from 'nestjs-box-auth';\n",
    ],
    [
      'a type import of the package',
      "import type { Subject } from 'nestjs-box-auth';\n",
      "import type { Subject } from 'nestjs-box-auth';\nimport { BoxAuthModule } from 'nestjs-box-auth';\n",
    ],
    [
      'an import of another entry point',
      "import { BoxHttpModule } from 'nestjs-box-auth/axios';\n",
      "import { BoxHttpModule } from 'nestjs-box-auth/axios';\nimport { BoxAuthModule } from 'nestjs-box-auth';\n",
    ],
    [
      'an import of the module itself',
      "import { BoxAuthModule } from 'nestjs-box-auth';\n",
      "import { BoxAuthModule } from 'nestjs-box-auth';\n",
    ],
    [
      'a licence and no import',
      '// MIT\n\n',
      "// MIT\n\nimport { BoxAuthModule } from 'nestjs-box-auth';\n\n",
    ],
  ])('whose file has %s', (_, before, after) => {
    expect(importsAfter(before)).toBe(after);
  });

  it('whose file has Windows line breaks and a byte order mark', () => {
    const windows = (text: string) => `\uFEFF${text.replaceAll('\n', '\r\n')}`;
    expect(edited(windows(GENERATED))).toBe(windows(edited(GENERATED)));
  });

  it('that uses other names for the imports', () => {
    const text =
      "import { Module as M } from '@nestjs/common';\nimport { BoxAuthModule as Box } from 'nestjs-box-auth';\n@M({ imports: [] })\nexport class Root {}\n";
    expect(edited(text, 'Root')).toBe(text.replace('[]', '[Box.forRoot()]'));
  });

  it('next to other module classes', () => {
    const other = '@Module({ imports: [] })\nclass Other {}\n\n';
    expect(edited(GENERATED.replace('@Module', `${other}@Module`))).toBe(
      edited(GENERATED).replace('@Module', `${other}@Module`),
    );
  });

  it('that is a default export without a name', () => {
    const text = '@Module({ imports: [] })\nexport default class {}\n';
    expect(addBoxAuthModule(ts, text, undefined)).toEqual({
      text: `import { BoxAuthModule } from 'nestjs-box-auth';\n\n${text.replace('[]', '[BoxAuthModule.forRoot()]')}`,
    });
  });
});

describe('A file is left unchanged, with the reason, if', () => {
  it.each([
    ['it has no module', 'export class AppModule {}\n', 'it has no class with @Module()'],
    ['it is empty', '', 'it has no class with @Module()'],
    ['it has a syntax error', `${GENERATED}}`, 'it has syntax errors'],
    [
      'it has two other modules',
      '@Module({}) class A {}\n@Module({}) class B {}',
      'it has 2 classes with @Module()',
    ],
    [
      'its metadata is a variable',
      withMetadata('metadata'),
      'the argument of its @Module() is not an object literal',
    ],
    [
      'it has no metadata',
      withMetadata(''),
      'the argument of its @Module() is not an object literal',
    ],
    [
      'its imports are a variable',
      withMetadata('{ imports: modules }'),
      '`imports` of its @Module() is not an array literal',
    ],
    [
      'its imports are a short name',
      withMetadata('{ imports }'),
      '`imports` of its @Module() is not an array literal',
    ],
    [
      'its imports are computed',
      withMetadata('{ imports: [A].concat(B) }'),
      '`imports` of its @Module() is not an array literal',
    ],
    [
      'its metadata is a spread',
      withMetadata('{ ...base }'),
      'a spread in its @Module() may contain `imports`',
    ],
    [
      'a spread replaces its imports',
      withMetadata('{ imports: [], ...base }'),
      'a spread in its @Module() may contain `imports`',
    ],
    [
      'it has another BoxAuthModule',
      `import { BoxAuthModule } from './box.js';\n${GENERATED}`,
      'BoxAuthModule is the name of something else in it',
    ],
    [
      'it imports the type only',
      `import type { BoxAuthModule } from 'nestjs-box-auth';\n${GENERATED}`,
      'BoxAuthModule is the name of something else in it',
    ],
  ])('%s', (_, text, expected) => {
    expect(problem(text)).toBe(expected);
  });
});

describe('A file with BoxAuthModule is recognized', () => {
  it.each([
    ["import { BoxAuthModule } from 'nestjs-box-auth'; BoxAuthModule.forRoot();", true],
    ["import { BoxAuthModule as Box } from 'nestjs-box-auth'; Box.forRootAsync({});", true],
    ["import * as box from 'nestjs-box-auth'; box.BoxAuthModule.forRoot();", true],
    ["import { BoxAuthModule } from 'nestjs-box-auth';", false],
    ["import { BoxAuthModule } from 'nestjs-box-auth'; // BoxAuthModule.forRoot()", false],
    ["import { BoxFetch } from 'nestjs-box-auth'; Other.forRoot();", false],
    ['BoxAuthModule.forRoot();', false],
  ])('by its calls: %s', (text, expected) => {
    expect(callsBoxAuthModule(ts, text)).toBe(expected);
  });
});

/** Random root modules, in many formats. */
const layout = fc.record({
  newline: fc.constantFrom('\n', '\r\n'),
  indentation: fc.constantFrom('  ', '    ', '\t'),
  quote: fc.constantFrom("'", '"'),
  semicolon: fc.constantFrom(';', ''),
  isBroken: fc.boolean(),
  trailingComma: fc.constantFrom(',', ''),
  comment: fc.constantFrom('', ' // why', ' /* why */', ' // [{('),
});
const items = fc.array(
  fc.constantFrom('A', 'B.forRoot()', "C.forRoot({ a: ['}'] })", '...D', 'cond ? E : F', '`${x}]`'),
  { maxLength: 4 },
);
const file = fc
  .record({
    layout,
    items,
    hasImports: fc.boolean(),
    others: fc.subarray(['providers', 'exports']),
  })
  .map(({ layout: each, items: imports, hasImports, others }) => {
    const { newline, indentation, quote, semicolon, isBroken, trailingComma, comment } = each;
    const list = (texts: readonly string[], depth: number) => {
      if (texts.length === 0) return '[]';
      if (!isBroken) return `[${texts.join(', ')}]`;
      const line = newline + indentation.repeat(depth + 1);
      const lines = texts.map(
        (text, at) => `${line}${text}${at < texts.length - 1 ? ',' : trailingComma}${comment}`,
      );
      return `[${lines.join('')}${newline}${indentation.repeat(depth)}]`;
    };
    const properties = [
      ...others.slice(0, 1).map((name) => `${name}: ${list(['P'], 1)}`),
      ...(hasImports ? [`imports: ${list(imports, 1)}`] : []),
      ...others.slice(1).map((name) => `${name}: ${list(['Q', 'R'], 1)}`),
    ];
    const separator = isBroken ? newline + indentation : ' ';
    const metadata = `{${properties.map((property) => `${separator}${property}`).join(',')}${isBroken ? newline : ' '}}`;
    return {
      imports: hasImports ? imports : [],
      text: [
        `import { Module } from ${quote}@nestjs/common${quote}${semicolon}${comment}`,
        '',
        `@Module(${metadata})`,
        'export class AppModule {}',
        '',
      ].join(newline),
    };
  });

/** The metadata of the only class in a file, with each value as its items. */
function metadataIn(text: string): Record<string, readonly string[]> {
  const { diagnostics } = ts.transpileModule(text, {
    reportDiagnostics: true,
    compilerOptions: { experimentalDecorators: true },
  });
  expect(diagnostics?.map(({ messageText }) => messageText)).toEqual([]);
  const source = ts.createSourceFile('a.ts', text, ts.ScriptTarget.Latest, true);
  const found: Record<string, readonly string[]> = {};
  const visit = (node: ts.Node): void => {
    if (
      ts.isPropertyAssignment(node) &&
      ts.isArrayLiteralExpression(node.initializer) &&
      node.parent.parent.parent.kind === ts.SyntaxKind.Decorator
    ) {
      found[node.name.getText()] = node.initializer.elements.map((each) => each.getText());
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  return found;
}

it('Any root module gets one more import, and loses nothing', () => {
  fc.assert(
    fc.property(file, ({ text, imports }) => {
      const after = edited(text);
      expect(metadataIn(after)).toEqual({
        ...metadataIn(text),
        imports: [...imports, 'BoxAuthModule.forRoot()'],
      });
      expect(callsBoxAuthModule(ts, after)).toBe(true);
      expect(isWithin(text, after)).toBe(true);
      expect(after.replaceAll('\r\n', '').includes('\n')).toBe(!text.includes('\r\n'));
    }),
    { numRuns: 60 },
  );
});

/** Whether `long` has all characters of `short` in the same order. */
function isWithin(short: string, long: string): boolean {
  let at = 0;
  for (const character of long) if (character === short.charAt(at)) at += 1;
  return at === short.length;
}
