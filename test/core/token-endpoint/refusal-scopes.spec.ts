import { beforeEach, describe, expect, it } from 'vitest';
import { BoxAuth } from '../../../lib/box/box-auth.js';
import { FakeRuntime } from '../../support/fake-runtime.js';
import { type Received, refuse, ScriptedEndpoint } from '../../support/scripted-endpoint.js';
import { thrownBy } from '../../support/thrown.js';

const a = { type: 'enterprise', id: '100' } as const;
const b = { type: 'enterprise', id: '200' } as const;
const alice = { type: 'user', id: '11' } as const;

let endpoint: ScriptedEndpoint;
let provider: BoxAuth['provider'];
beforeEach(() => {
  const runtime = new FakeRuntime();
  endpoint = new ScriptedEndpoint(runtime);
  ({ provider } = new BoxAuth({
    credentials: { clientId: 'the-app', clientSecret: 'the-secret-of-it', enterpriseId: a.id },
    fetch: endpoint.fetch,
    runtime,
  }));
});

/** Refuses the requests for one subject and grants all others. */
const refuseFor = (id: string, error: string, description: string): void => {
  endpoint.otherwise = (request: Received) =>
    request.form.get('box_subject_id') === id
      ? refuse(endpoint, 400, error, description)()
      : endpoint.grant(request);
};

describe('One app in several enterprises', () => {
  it.each([
    ['unauthorized_client', 'This app is not authorized by the enterprise admin'],
    ['unauthorized_client', 'The "box_subject_type" value is unauthorized for this client_id'],
    ['invalid_grant', 'Grant credentials are invalid'],
    ['invalid_grant', "Please check the 'sub' claim. The 'sub' specified is invalid."],
    ['invalid_request', 'Cannot obtain token based on the enterprise configuration for your app'],
    ['invalid_grant', 'Something new'],
  ])('serves the other enterprises while one is refused: %s, %s', async (error, description) => {
    refuseFor(b.id, error, description);
    await thrownBy(() => provider.getToken({ subject: b }));
    await thrownBy(() => provider.getToken({ subject: b }));
    await expect(provider.getToken()).resolves.toBeDefined();
    await expect(provider.getToken({ subject: alice })).resolves.toBeDefined();
    expect(endpoint.received).toHaveLength(3);
    // And the successes of others do not make the refused one ask again.
    await thrownBy(() => provider.getToken({ subject: b }));
    expect(endpoint.received).toHaveLength(3);
  });

  it.each([
    ['invalid_client', 'The client credentials are invalid'],
    ['invalid_request', 'The grant type is unauthorized for this client_id'],
    ['invalid_grant', 'Signature verification error.'],
    ['invalid_grant', '"kid" invalid, unable to lookup correct key'],
    ['invalid_grant', "Please check the 'iss' claim."],
  ])('sends one request if the client is refused: %s, %s', async (error, description) => {
    endpoint.otherwise = refuse(endpoint, 400, error, description);
    await thrownBy(() => provider.getToken({ subject: b }));
    await thrownBy(() => provider.getToken());
    await thrownBy(() => provider.getToken({ subject: alice }));
    expect(endpoint.received).toHaveLength(1);
  });
});
