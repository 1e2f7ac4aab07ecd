import { expect, it } from 'vitest';
import { BoxAuth } from '../../../lib/box/box-auth.js';
import { MemoryTokenStore } from '../../support/memory-token-store.js';
import type { StoredToken } from '../../../lib/core/tokens/token-store.js';
import { WorkfrontAuth } from '../../../lib/workfront/workfront-auth.js';
import { FakeRuntime } from '../../support/fake-runtime.js';
import { makeKeys } from '../../support/keys.js';
import { ScriptedEndpoint } from '../../support/scripted-endpoint.js';

/** Records the identities of published tokens. */
class RecordingStore extends MemoryTokenStore {
  readonly identities: string[] = [];

  override publish(identity: string, fence: number, token: StoredToken, ageMs: number) {
    this.identities.push(identity);
    return super.publish(identity, fence, token, ageMs);
  }
}

it('A store keeps tokens apart by issuer, token endpoint, app and subject', async () => {
  const runtime = new FakeRuntime();
  const store = new RecordingStore(runtime);
  const { fetch } = new ScriptedEndpoint(runtime);
  const shared = { store, fetch, runtime };
  const app = { clientId: 'client', clientSecret: 'secret', enterpriseId: '1' };
  const boxes = [
    new BoxAuth({ ...shared, credentials: app }),
    new BoxAuth({ ...shared, credentials: app, apiUrl: 'https://gateway.example' }),
    new BoxAuth({ ...shared, credentials: { ...app, clientId: 'other' } }),
    new BoxAuth({ ...shared, credentials: { ...app, enterpriseId: '2' } }),
  ];
  const tokens = await Promise.all([
    ...boxes.map(({ provider }) => provider.getToken()),
    boxes[0]?.provider.getToken({ subject: { type: 'user', id: '1' } }),
  ]);
  const workfront = new WorkfrontAuth({
    ...shared,
    url: 'https://api.box.com',
    clientId: 'client',
    clientSecret: 'secret',
    customerId: '1',
    userId: '1',
    privateKey: makeKeys().forms['plain PKCS#8'],
  });
  await workfront.provider.getToken();

  expect(new Set(tokens.map((token) => token?.fingerprint)).size).toBe(5);
  expect(new Set(store.identities).size).toBe(6);
  const again = new BoxAuth({ ...shared, credentials: app });
  expect((await again.provider.getToken()).value).toBe(tokens[0]?.value);
});
