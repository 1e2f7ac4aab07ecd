import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { BoxAuthError, type TokenStore } from 'nestjs-box-auth';
import { BoxAuth } from '../../../lib/box/box-auth.js';
import { parseConfig } from '../../../lib/box/credentials/config-json.js';
import { sanitizedCause } from '../../../lib/core/errors/redact.js';
import { MemoryTokenStore } from '../../support/memory-token-store.js';
import { FakeRuntime, settled } from '../../support/fake-runtime.js';
import { ScriptedEndpoint } from '../../support/scripted-endpoint.js';
import { thrownBy } from '../../support/thrown.js';

const SECRET = 'the-secret-of-this-app';
const credentials = { clientId: 'client', clientSecret: SECRET, enterpriseId: '1' };

describe('A token endpoint that echoes the request', () => {
  const echoing = (header: (form: URLSearchParams) => string) =>
    new BoxAuth({
      credentials,
      fetch: async (_url, init) =>
        Response.json(
          { error: 'invalid_client' },
          {
            status: 400,
            headers: { 'box-request-id': header(new URLSearchParams(String(init?.body))) },
          },
        ),
    });

  it('does not put a secret into requestId', async () => {
    const box = echoing((form) => form.get('client_secret') ?? '');
    const error = await thrownBy(() => box.provider.getToken());
    expect(error.code).toBe('client_invalid');
    expect(error.requestId).toBeUndefined();
    expect(inspect(error, { showHidden: true }) + JSON.stringify(error)).not.toContain(SECRET);
  });

  it.each(['two words', '\u009b31mred', 'x'.repeat(65), ''])(
    'does not put %j into requestId',
    async (value) => {
      const error = await thrownBy(() => echoing(() => value).provider.getToken());
      expect(error.requestId).toBeUndefined();
    },
  );

  it('puts an id of Box into requestId', async () => {
    const error = await thrownBy(() => echoing(() => '0b8a3a8ee1b5d33eb').provider.getToken());
    expect(error.requestId).toBe('0b8a3a8ee1b5d33eb');
  });
});

describe('A malformed error', () => {
  const malformed: readonly unknown[] = [
    Object.assign(new Error('x'), { message: { a: 1 } }),
    Object.assign(new Error('x'), { message: undefined }),
    Object.assign(new Error('x'), { name: 5 }),
    Object.assign(new Error('x'), { code: Symbol('x') }),
    Object.defineProperty(new Error('x'), 'cause', {
      get() {
        throw new Error('read me not');
      },
    }),
  ];

  it.each(malformed)('is converted to a cause: %#', (thrown) => {
    expect(sanitizedCause(thrown)).toBeInstanceOf(Error);
  });

  it.each(malformed)('of a store does not keep callers from their token: %#', async (thrown) => {
    const runtime = new FakeRuntime();
    const endpoint = new ScriptedEndpoint(runtime);
    const store: TokenStore = Object.assign(new MemoryTokenStore(runtime), {
      claim: () => Promise.reject(thrown),
    });
    const box = new BoxAuth({ credentials, fetch: endpoint.fetch, runtime, store });
    const asked = box.provider.getToken();
    await runtime.advance(1_000);
    expect((await asked).subject.id).toBe('1');
  });
});

describe('A store', () => {
  it('that only returns unusable tokens is bypassed after the second', async () => {
    const runtime = new FakeRuntime();
    const endpoint = new ScriptedEndpoint(runtime);
    let claims = 0;
    const store: TokenStore = Object.assign(new MemoryTokenStore(runtime), {
      claim: async () => {
        claims += 1;
        const token = { value: 'dead', lifetimeMs: 3_600_000, expiresAt: 1 };
        return { state: 'token', fence: claims, ageMs: 9e9, token } as const;
      },
    });
    const box = new BoxAuth({ credentials, fetch: endpoint.fetch, runtime, store });
    const asked = box.provider.getToken();
    await runtime.advance(1_000);
    expect((await asked).value).toBe('token-1-for-1');
    expect(claims).toBe(2);
  });

  it('does not get a token that expired while the machine slept during its request', async () => {
    const runtime = new FakeRuntime();
    const endpoint = new ScriptedEndpoint(runtime);
    const store = new MemoryTokenStore(runtime);
    const app = () => new BoxAuth({ credentials, fetch: endpoint.fetch, runtime, store }).provider;
    endpoint.script((request) => {
      const granted = endpoint.grant(request);
      runtime.sleep(70 * 60_000);
      return granted;
    });
    const asked = app().getToken();
    await settled();
    await runtime.advance(2_000);
    expect((await asked).value).toBe('token-2-for-1');
    expect((await app().getToken()).value).toBe('token-2-for-1');
    expect(endpoint.received).toHaveLength(2);
  });

  it('gets the age of a token including the sleep of the machine during its request', async () => {
    const runtime = new FakeRuntime();
    const endpoint = new ScriptedEndpoint(runtime);
    const store = new MemoryTokenStore(runtime);
    const box = new BoxAuth({ credentials, fetch: endpoint.fetch, runtime, store });
    endpoint.script((request) => {
      const granted = endpoint.grant(request);
      runtime.sleep(40 * 60_000);
      return granted;
    });
    await box.provider.getToken();
    await settled();
    const identity = JSON.stringify([
      'Box',
      'https://api.box.com/oauth2/token',
      'client',
      'enterprise',
      '1',
    ]);
    const claim = await store.claim(identity, { owner: 'another', leaseMs: 1_000, newerThan: 0 });
    expect(claim).toMatchObject({ state: 'token', ageMs: 40 * 60_000 });
  });
});

describe('A config.json', () => {
  it('cannot write control characters to a log through its field names', async () => {
    const config = {
      boxAppSettings: { '\u001b[clientID\u0007\r\n\u202e': 'x', clientSecret: 'y' },
      enterpriseID: '1',
    };
    const error = await thrownBy(() => parseConfig(config, 'config.json'));
    expect(error).toBeInstanceOf(BoxAuthError);
    expect(error.message).toContain('boxAppSettings.clientID');
    const shown = error.message.replaceAll('\n', '');
    expect(shown).not.toMatch(/\p{Cc}|\p{Bidi_Control}/u);
  });
});
