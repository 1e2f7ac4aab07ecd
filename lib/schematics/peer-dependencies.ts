/** The version of `@nestjs/config` for each version of Nest. Later ones do not work with Nest 11. */
const CONFIG_VERSIONS: Readonly<Record<number, string>> = { 11: '^4.0.0', 12: '^12.0.0' };

interface Manifest {
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
}

/** Whether the package supports this version of Nest. */
export function isSupported(nestVersion: string): boolean {
  return majorOf(nestVersion) in CONFIG_VERSIONS;
}

/**
 * Adds `@nestjs/config`, in the version for `nestVersion`, to the dependencies in a package.json, unless the app has it already.
 */
export function withPeerDependencies(text: string, nestVersion: string): string {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- npm has already parsed it
  const manifest = JSON.parse(text.replace(/^\uFEFF/, '')) as Manifest;
  const name = '@nestjs/config';
  if (manifest.dependencies?.[name] !== undefined) return text;
  if (manifest.devDependencies?.[name] !== undefined) return text;
  const dependencies = { ...manifest.dependencies, [name]: CONFIG_VERSIONS[majorOf(nestVersion)] };
  // npm sorts them like this.
  const sorted = Object.entries(dependencies).toSorted(([a], [b]) => a.localeCompare(b, 'en'));
  const changed = { ...manifest, dependencies: Object.fromEntries(sorted) };
  const indentation = /^[ \t]+/m.exec(text)?.[0] ?? '  ';
  const json = JSON.stringify(changed, undefined, indentation);
  return `${json.replaceAll('\n', text.includes('\r\n') ? '\r\n' : '\n')}${/\s*$/.exec(text)?.[0] ?? ''}`;
}

function majorOf(version: string): number {
  return Number.parseInt(version, 10);
}
