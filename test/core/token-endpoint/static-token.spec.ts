import { describe, expect, it } from 'vitest';
import type { Subject } from 'nestjs-box-auth';
import type { StaticToken } from '../../../lib/core/credentials/credentials-source.js';
import {
  accessToken,
  appToken,
  developerToken,
} from '../../../lib/box/credentials/static-tokens.js';
import { AccessToken } from '../../../lib/core/token-endpoint/access-token.js';
import { useStaticToken } from '../../../lib/core/token-endpoint/static-token.js';
import { FakeRuntime } from '../../support/fake-runtime.js';
import { thrownBy } from '../../support/thrown.js';

const own = { type: 'user', id: 'me' } as const;
const runtime = new FakeRuntime();
const refused = new AccessToken('the-token', { subject: own });
const take = (
  staticToken: StaticToken,
  request: Partial<Parameters<typeof useStaticToken>[2]> = {},
) =>
  useStaticToken(
    staticToken,
    own,
    { subject: undefined, refused: undefined, isFromFunction: false, ...request },
    runtime,
  );

const kinds = [
  [developerToken('the-token'), 'developer_token_expired', /60 minutes.*developer console/],
  [appToken('the-token'), 'token_invalid', /Configuration tab.*Primary or Secondary Access Token/],
  [
    accessToken('the-token', undefined),
    'token_invalid',
    /^An access token .* cannot be refreshed\. Pass a function.*expiresAt/,
  ],
] as const;

describe.each(kinds)('A token in the credentials ($name)', (staticToken, code, hint) => {
  it.each([
    ['without a subject', {}],
    ['for its own subject', { subject: { ...own } }],
    ['instead of another that was refused', { refused: new AccessToken('old', { subject: own }) }],
  ])('is used %s', (_, request) => {
    const { token, lifetimeMs } = take(staticToken, request);
    expect(token.value).toBe('the-token');
    expect(token.subject).toEqual(own);
    expect(token.expiresAt).toBeUndefined();
    expect(lifetimeMs).toBeUndefined();
  });

  it.each<Subject>([
    { ...own, enterprise: '7' },
    { type: 'enterprise', id: own.id },
    { type: 'enterprise', id: '7' },
    { type: 'user', id: 'you' },
  ])('is not used for another subject: %j', async (subject) => {
    const error = await thrownBy(() => take(staticToken, { subject }));
    expect(error).toMatchObject({ code: 'subject_unsupported', retryable: false });
    expect(error.message).toContain(staticToken.name);
  });

  it('is not used once it was refused, and the error says how to get another', async () => {
    const error = await thrownBy(() => take(staticToken, { refused }));
    expect(error).toMatchObject({ code, retryable: false });
    expect(error.message).toBe(
      `The ${staticToken.name} ${refused.fingerprint} of the credentials was refused: it has expired or was revoked.`,
    );
    expect(error.hint).toMatch(hint);
    expect(error.docs).toMatch(/^https:\/\/developer\.box\.com\//);
  });

  it('is retried later where a function returned it', async () => {
    const error = await thrownBy(() => take(staticToken, { refused, isFromFunction: true }));
    expect(error).toMatchObject({ code, retryable: true });
  });

  it.each([
    { type: 'user', id: '5' },
    { type: 'enterprise', id: 'me' },
  ] as const)('is not used for another subject: %j', async (subject) => {
    const error = await thrownBy(() => take(staticToken, { subject }));
    expect(error).toMatchObject({ code: 'subject_unsupported', retryable: false });
    expect(error.message).toContain(
      `an existing ${staticToken.name}, which belongs to ${staticToken.owner}`,
    );
    expect(error.hint).toMatch(/key pair or client credentials/);
    expect(error.docs).toMatch(/^https:\/\/developer\.box\.com\//);
  });
});

describe('An access token with an expiry', () => {
  it('has the time until its expiry as its lifetime', () => {
    const staticToken = accessToken('the-token', runtime.now() + 90_000);
    expect(take(staticToken)).toMatchObject({
      lifetimeMs: 90_000,
      token: { expiresAt: runtime.now() + 90_000 },
    });
  });

  it.each([0, 1])('is not used %i ms after it', async (ms) => {
    const staticToken = accessToken('the-token', runtime.now() - ms);
    const fixed = await thrownBy(() => take(staticToken));
    expect(fixed).toMatchObject({ code: 'token_invalid', retryable: false });
    expect(fixed.message).toMatch(/of the credentials expired at 2026-03-01T1[12]:/);
    const returned = await thrownBy(() => take(staticToken, { isFromFunction: true }));
    expect(returned).toMatchObject({ code: 'token_invalid', retryable: true });
  });
});
