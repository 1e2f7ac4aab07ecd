import { Readable } from 'node:stream';
import type { BoxClient } from 'box-node-sdk';
import { BoxApiError } from 'box-node-sdk/box/errors';
import { describe, expect, it } from 'vitest';
import { boxClient } from 'nestjs-box-auth/express/sdk';
import { FakeBox } from 'nestjs-box-auth/testing';

/** The error of a call without a reply advises one. The advice is taken from the text that the author of a test reads. */
function takeAdvice(box: FakeBox, text: string): void {
  const [, method = '', quoted = ''] = /Fix: add box\.reply\('(\w+)', (.+), …\)/.exec(text) ?? [];
  box.reply(method, quoted.slice(1, -1), {});
}

type Call = (...args: unknown[]) => unknown;

/** All methods of all managers of the SDK that take part in a call. */
function methodsOf(client: BoxClient): [string, Call, readonly string[]][] {
  const managers = (Object.entries(client) as [string, object][]).filter(([, { constructor }]) =>
    constructor.name.endsWith('Manager'),
  ) as [string, Record<string, Call>][];
  return managers.flatMap(([name, manager]) =>
    Object.getOwnPropertyNames(Object.getPrototypeOf(manager))
      .filter((method) => method !== 'constructor')
      .map((method): [string, Call, readonly string[]] => {
        const call = manager[method] as Call;
        const [, parameters = ''] = /\(([^)]*)\)/.exec(call.toString()) ?? [];
        return [
          `${name}.${method}`,
          call.bind(manager),
          parameters.split(',').map((parameter) => parameter.trim()),
        ];
      }),
  );
}

/** Has every field, each of them empty. Serializes to `{}`. */
const anyBody: unknown = new Proxy(
  {},
  {
    get: (_, name): unknown => {
      if (name === 'file' || name === 'pic') return Readable.from('x');
      if (name === 'map') return () => [];
      if (name === 'value') return new Date(0);
      if (name === Symbol.toPrimitive) return () => '1';
      const isUnset = typeof name === 'symbol' || /^toJSON$|FileName$|ContentType$/.test(name);
      return isUnset ? undefined : anyBody;
    },
  },
);

function argumentFor(method: string, parameter: string): unknown {
  if (/=|cancellationToken/.test(parameter)) return undefined;
  if (/requestBody/.test(parameter) && /uploadFilePart/.test(method)) return Readable.from('x');
  if (/url/i.test(parameter)) return 'https://upload.app.box.com/api/2.0/from-a-response';
  if (/headers|queryParams/i.test(parameter)) return {};
  return /requestBody/i.test(parameter) ? anyBody : '1';
}

describe('The reply that a FakeBox advises', () => {
  const box = new FakeBox();
  const client = boxClient(box.provider);
  const methods = methodsOf(client);
  const called: string[] = [];

  it('matches for the methods of the SDK', async () => {
    for (const [name, call, parameters] of methods) {
      const args = () => parameters.map((parameter) => argumentFor(name, parameter));
      box.reset();
      const error: unknown = await settled(call, args());
      // Some send no call, need a file in parts, or request a token.
      if (!(error instanceof BoxApiError) || error.responseInfo.statusCode !== 404) continue;
      takeAdvice(box, error.message);
      await settled(call, args());
      expect(box.calls[1], `${name}: ${error.message}`).toMatchObject({ status: 200 });
      called.push(name);
    }
    expect(called).toEqual(
      expect.arrayContaining([
        'sharedLinksFiles.addShareLinkToFile',
        'sharedLinksFolders.findFolderForSharedLink',
        'uploads.uploadFile',
        'chunkedUploads.uploadFilePart',
        'chunkedUploads.createFileUploadSession',
        'folders.createFolder',
      ]),
    );
    expect(called.length / methods.length).toBeGreaterThan(0.95);
  });

  it.each([
    ['a query', 'GET', '/2.0/x?a=1&b=%20'],
    ['an empty query', 'GET', '/2.0/x?'],
    ['a fragment', 'GET', '/2.0/x#y?a=1'],
    ['a quotation mark', 'GET', "/2.0/it's?q='"],
    ['a method in lower case', 'patch', '/2.0/x'],
    ['another host', 'POST', 'https://example.com:8443/x?y#z'],
    ['another host, and a method in lower case', 'patch', 'https://example.com'],
  ])('matches for an address with %s', async (_, method, url) => {
    box.reset();
    takeAdvice(box, await (await box.fetch(url, { method })).text().then(messageIn));
    expect((await box.fetch(url, { method })).status).toBe(200);
  });

  it('matches an address with a fragment, as the SDK writes it', async () => {
    box.reset();
    box.reply('PUT', '/2.0/files/1#add_shared_link', { type: 'file', id: '1' });
    const added = await client.sharedLinksFiles.addShareLinkToFile('1', {}, { fields: 'id' });
    expect(added.id).toBe('1');
    const call = box.expectCall('PUT', '/2.0/files/1', { as: 'service-account' });
    expect(call.url).toBe('https://api.box.com/2.0/files/1');
  });
});

/** Some methods send no request. */
async function settled(call: Call, args: readonly unknown[]): Promise<unknown> {
  try {
    return await call(...args);
  } catch (error) {
    return error;
  }
}

function messageIn(text: string): string {
  return (JSON.parse(text) as { message: string }).message;
}
