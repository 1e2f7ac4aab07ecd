import { describe, expect, it } from 'vitest';
import { Secret } from '../../lib/errors/secret.js';
import { AccessToken } from '../../lib/token-endpoint/access-token.js';
import { takeGivenToken } from '../../lib/token-endpoint/given-token.js';
import { FakeRuntime } from '../support/fake-runtime.js';
import { thrownBy } from '../support/thrown.js';

const own = { type: 'user', id: 'me' } as const;
const runtime = new FakeRuntime();
const take = (wanted: Partial<Parameters<typeof takeGivenToken>[2]>) =>
  takeGivenToken(
    new Secret('dev-token'),
    own,
    { subject: undefined, refused: undefined, ...wanted },
    runtime,
  );

describe('A token that stands in the credentials', () => {
  it.each([
    ['nobody in particular', {}],
    ['the one it is of', { subject: { ...own } }],
    ['who had another, which was refused', { refused: new AccessToken('old', { subject: own }) }],
  ])('is given to %s', (_, wanted) => {
    const { token, lifetimeMs } = take(wanted);
    expect(token.value).toBe('dev-token');
    expect(token.subject).toEqual(own);
    expect(lifetimeMs).toBeUndefined();
  });

  it('is not given again once it was refused: another has to be made', async () => {
    const refused = new AccessToken('dev-token', { subject: own });
    const error = await thrownBy(() => take({ refused }));
    expect(error).toMatchObject({ code: 'developer_token_expired', retryable: false });
    expect(error.message).toContain(refused.fingerprint);
    expect(error.message).not.toContain('dev-token');
    expect(error.hint).toMatch(/developer console.*key pair/);
    expect(error.docs).toMatch(/^https:\/\/developer\.box\.com\//);
  });

  it.each([
    { type: 'user', id: '5' },
    { type: 'enterprise', id: 'me' },
  ] as const)('is not given for somebody else: %j', async (subject) => {
    const error = await thrownBy(() => take({ subject }));
    expect(error).toMatchObject({ code: 'subject_unsupported', retryable: false });
    expect(error.message).toContain('the credentials are a token themselves');
    expect(error.hint).toMatch(/key pair or client credentials/);
    expect(error.docs).toMatch(/^https:\/\/developer\.box\.com\//);
  });
});
