import { readdirSync, readFileSync } from 'node:fs';
import { format, resolveConfig } from 'prettier';
import { beforeAll, describe, expect, it } from 'vitest';
import { resolveOptions } from '../../lib/box/box-auth.options.js';
import { describeApi, UNEXPORTED } from './public-api.js';

const folder = `${import.meta.dirname}/api`;
const entryPoints = declarationsByName();
let api: ReadonlyMap<string, string>;
// Compiles all of lib.
beforeAll(() => (api = describeApi(process.cwd(), entryPoints)), 180_000);

/** The declarations of each entry point, by its import name. */
function declarationsByName(): ReadonlyMap<string, string> {
  const manifest = JSON.parse(readFileSync('package.json', 'utf8')) as {
    readonly exports: Readonly<Record<string, { readonly import?: { readonly types: string } }>>;
  };
  return new Map(
    Object.entries(manifest.exports).flatMap(([path, { import: module }]) =>
      module === undefined
        ? []
        : [[path.replace('.', 'nestjs-box-auth'), module.types.replace('./dist/esm/', '')]],
    ),
  );
}

function fileOf(part: string): string {
  return `${part.replaceAll('/', '-')}.md`;
}

// After an intended change: `npx vitest run test/package/api.spec.ts -u`
describe('The public API', () => {
  it('has these entry points', () => {
    expect([...entryPoints.keys()]).toMatchInlineSnapshot(`
      [
        "nestjs-box-auth",
        "nestjs-box-auth/axios",
        "nestjs-box-auth/undici",
        "nestjs-box-auth/sdk",
        "nestjs-box-auth/express",
        "nestjs-box-auth/express/axios",
        "nestjs-box-auth/express/sdk",
        "nestjs-box-auth/redis",
        "nestjs-box-auth/sql",
        "nestjs-box-auth/terminus",
        "nestjs-box-auth/opentelemetry",
        "nestjs-box-auth/connections",
        "nestjs-box-auth/webhooks",
        "nestjs-box-auth/workfront",
        "nestjs-box-auth/workfront/axios",
        "nestjs-box-auth/testing",
      ]
    `);
  });

  it.each([...entryPoints.keys(), UNEXPORTED])('of %s matches its snapshot', async (part) => {
    const file = `${folder}/${fileOf(part)}`;
    const text = `# ${part}\n\n\`\`\`ts\n${api.get(part)}\n\`\`\`\n`;
    const formatted = await format(text, { ...(await resolveConfig(file)), filepath: file });
    await expect(formatted).toMatchFileSnapshot(file);
  });

  it('has no other snapshots', () => {
    expect([...api.keys()].map(fileOf)).toEqual(expect.arrayContaining(readdirSync(folder)));
  });

  it('has these defaults', () => {
    const options = resolveOptions({ credentials: { developerToken: 'token' } });
    expect(JSON.stringify(options, undefined, 2)).toMatchInlineSnapshot(`
      "{
        "renewal": {
          "expiryMarginMs": 5000,
          "waitMarginMs": 60000,
          "windowRatio": 0.2,
          "minWindowMs": 120000,
          "maxWindowMs": 600000,
          "minBackoffMs": 1000,
          "maxBackoffMs": 60000
        },
        "tokenEndpoint": {
          "timeoutMs": 10000,
          "attempts": 4,
          "deadlineMs": 30000
        },
        "onStoreFailure": "open",
        "replayBufferBytes": 8388608,
        "runtime": {},
        "credentials": {
          "developerToken": "token"
        },
        "apiUrl": "https://api.box.com",
        "origins": [
          "https://api.box.com",
          "https://upload.box.com"
        ],
        "maxSubjects": 10000,
        "keepWarm": [],
        "tenantRequired": false,
        "assertion": {
          "issuedAt": false
        },
        "uploadUrl": "https://upload.box.com"
      }"
    `);
  });
});
