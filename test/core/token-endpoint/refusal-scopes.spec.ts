import { beforeEach, describe, expect, it } from 'vitest';
import type { AuthEvent, Subject } from 'nestjs-box-auth';
import { BoxAuth } from '../../../lib/box/box-auth.js';
import { FakeRuntime } from '../../support/fake-runtime.js';
import { type Received, refuse, ScriptedEndpoint } from '../../support/scripted-endpoint.js';
import { thrownBy } from '../../support/thrown.js';

const a = { type: 'enterprise', id: '100' } as const;
const b = { type: 'enterprise', id: '200' } as const;
const alice = { type: 'user', id: '11' } as const;

let runtime: FakeRuntime;
let endpoint: ScriptedEndpoint;
let box: BoxAuth;
let provider: BoxAuth['provider'];
let events: AuthEvent[];
beforeEach(() => {
  runtime = new FakeRuntime();
  endpoint = new ScriptedEndpoint(runtime);
  box = new BoxAuth({
    credentials: { clientId: 'the-app', clientSecret: 'the-secret-of-it', enterpriseId: a.id },
    fetch: endpoint.fetch,
    runtime,
    tokenEndpoint: { attempts: 1 },
  });
  ({ provider } = box);
  events = [];
  box.events.subscribe((event) => events.push(event));
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

describe('A tenant that has not authorized the app', () => {
  const UNAUTHORIZED = [
    'unauthorized_client',
    'This app is not authorized by the enterprise',
  ] as const;
  const ofB: Subject = { type: 'user', id: '21', enterprise: b.id };
  const emitted = () => events.filter(({ kind }) => kind === 'tenant-unauthorized');

  it('is requested again after 30 s each time, and its users wait with it', async () => {
    refuseFor(b.id, ...UNAUTHORIZED);
    for (let requests = 1; requests <= 4; requests++) {
      const error = await thrownBy(() => provider.getToken({ subject: b }));
      expect(error).toMatchObject({ code: 'app_not_authorized', enterprise: b.id });
      await runtime.advance(29_999);
      for (const subject of [b, ofB]) {
        expect(await thrownBy(() => provider.getToken({ subject }))).toMatchObject({
          code: 'app_not_authorized',
          enterprise: b.id,
          retryAfterMs: 1,
        });
      }
      expect(endpoint.received).toHaveLength(requests);
      await runtime.advance(1);
    }
  });

  it('is named by its error, whose message contains no other id', async () => {
    refuseFor(b.id, ...UNAUTHORIZED);
    const error = await thrownBy(() => provider.getToken({ subject: b }));
    expect(error.message).toBe(
      'Enterprise 200: The Box admin has not authorized this app. Box returned 400 (unauthorized_client: This app is not authorized by the enterprise).',
    );
    expect(JSON.parse(JSON.stringify(error))).toMatchObject({ enterprise: '200' });
  });

  it('is emitted once, and again only after it got a token in between', async () => {
    refuseFor(b.id, ...UNAUTHORIZED);
    for (let time = 0; time < 3; time++) {
      await thrownBy(() => provider.getToken({ subject: b }));
      expect(emitted()).toMatchObject([
        { kind: 'tenant-unauthorized', enterprise: b.id, error: { code: 'app_not_authorized' } },
      ]);
      await runtime.advance(30_000);
    }
    endpoint.otherwise = endpoint.grant;
    provider.invalidate(await provider.getToken({ subject: b }));
    expect(emitted()).toHaveLength(1);
    refuseFor(b.id, ...UNAUTHORIZED);
    await thrownBy(() => provider.getToken({ subject: b }));
    expect(emitted()).toHaveLength(2);
  });

  it('is emitted once for each tenant, before its failed token request', async () => {
    endpoint.otherwise = refuse(endpoint, 400, ...UNAUTHORIZED);
    const c = { type: 'enterprise', id: '300' } as const;
    await thrownBy(() => provider.getToken({ subject: b }));
    await thrownBy(() => provider.getToken({ subject: c }));
    expect(events.map(({ kind }) => kind)).toEqual([
      'tenant-unauthorized',
      'mint',
      'tenant-unauthorized',
      'mint',
    ]);
    expect(emitted()).toMatchObject([{ enterprise: '200' }, { enterprise: '300' }]);
  });

  it('is not the one of the credentials, nor that of a user who may belong to another', async () => {
    endpoint.otherwise = refuse(endpoint, 400, ...UNAUTHORIZED);
    expect((await thrownBy(() => provider.getToken())).enterprise).toBeUndefined();
    expect((await thrownBy(() => provider.getToken({ subject: alice }))).enterprise).toBe(
      undefined,
    );
    expect((await thrownBy(() => provider.getToken({ subject: ofB }))).enterprise).toBe(b.id);
    expect(emitted()).toEqual([]);
    endpoint.otherwise = endpoint.grant;
    await expect(provider.getToken({ subject: b })).resolves.toBeDefined();
  });

  it('is not emitted for another refusal', async () => {
    refuseFor(b.id, 'invalid_grant', "Please check the 'sub' claim.");
    const error = await thrownBy(() => provider.getToken({ subject: b }));
    expect(error).toMatchObject({ code: 'subject_refused', enterprise: b.id });
    expect(emitted()).toEqual([]);
  });
});

describe('The client of all tenants', () => {
  const ofB: Subject = { type: 'user', id: '21', enterprise: b.id };

  it('is refused for all of them, and the error names none', async () => {
    endpoint.otherwise = refuse(endpoint, 400, 'invalid_client', 'The client is invalid');
    for (const subject of [b, undefined, ofB]) {
      const error = await thrownBy(() => provider.getToken({ subject }));
      expect(error.code).toBe('client_invalid');
      expect(error.enterprise).toBeUndefined();
      expect(error.message).not.toContain(b.id);
    }
    expect(endpoint.received).toHaveLength(1);
  });

  it('pauses all of them after a 429', async () => {
    const c = { type: 'enterprise', id: '300' } as const;
    endpoint.script(refuse(endpoint, 429, 'rate', 'Too many', { 'retry-after': '20' }));
    await thrownBy(() => provider.getToken({ subject: b }));
    const waiting = [undefined, c, ofB].map((subject) => {
      const work = provider.getToken({ subject });
      work.catch(() => undefined);
      return work;
    });
    await runtime.advance(19_999);
    expect(endpoint.received).toHaveLength(1);
    endpoint.otherwise = (request) =>
      request.url.includes('/users/me')
        ? endpoint.json(200, { enterprise: { id: b.id } })
        : endpoint.grant(request);
    await runtime.advance(10_000);
    expect((await Promise.all(waiting)).map(({ subject }) => subject.id)).toEqual([
      a.id,
      c.id,
      '21',
    ]);
  });
});
