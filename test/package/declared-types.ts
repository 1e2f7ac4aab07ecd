import { join } from 'node:path';
import ts from 'typescript';

/**
 * The types of `lib` as the build declares them, without comments and what is `@internal`: in memory, as the files of
 * `folder`, which does not exist.
 */
export function declareTypes(root: string, folder: string): ts.Program {
  const options: ts.CompilerOptions = {
    ...optionsOf(join(root, 'tsconfig.build.json')),
    declarationDir: folder,
    emitDeclarationOnly: true,
    noCheck: true,
    removeComments: true,
    stripInternal: true,
  };
  const host = sharingHost(options);
  const sources = ts.sys.readDirectory(join(root, 'lib'), ['.ts']);
  const declared = new Map<string, string>();
  ts.createProgram(sources, options, host).emit(undefined, (file, text) => {
    declared.set(file, text);
  });
  return ts.createProgram([...declared.keys()], options, {
    ...host,
    directoryExists: (name) => `${name}/`.startsWith(folder) || ts.sys.directoryExists(name),
    fileExists: (file) => declared.has(file) || host.fileExists(file),
    getSourceFile: (file, target) => {
      const text = declared.get(file);
      return text === undefined
        ? host.getSourceFile(file, target)
        : ts.createSourceFile(file, text, target);
    },
  });
}

function optionsOf(tsconfig: string): ts.CompilerOptions | undefined {
  return ts.getParsedCommandLineOfConfigFile(tsconfig, undefined, {
    ...ts.sys,
    onUnRecoverableConfigFileDiagnostic: ({ messageText }) => {
      throw new Error(ts.flattenDiagnosticMessageText(messageText, '\n'));
    },
  })?.options;
}

/** Both programs use the same packages, which are parsed once. */
function sharingHost(options: ts.CompilerOptions): ts.CompilerHost {
  const host = ts.createCompilerHost(options);
  const parsed = new Map<string, ts.SourceFile | undefined>();
  return {
    ...host,
    getSourceFile: (file, target) => {
      if (!parsed.has(file)) parsed.set(file, host.getSourceFile(file, target));
      return parsed.get(file);
    },
  };
}
