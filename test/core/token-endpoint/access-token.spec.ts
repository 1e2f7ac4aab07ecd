import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { AccessToken } from '../../../lib/core/token-endpoint/access-token.js';

const subject = { type: 'user', id: '5' } as const;

describe('An access token', () => {
  const token = new AccessToken('the-value', { subject, expiresAt: 5, scopes: ['item_preview'] });

  it('is shown as a fingerprint of 12 characters, never as its value', () => {
    expect(token.fingerprint).toMatch(/^[\w-]{12}$/);
    expect(token.fingerprint).toBe(new AccessToken('the-value', { subject }).fingerprint);
    expect(token.fingerprint).not.toBe(new AccessToken('another', { subject }).fingerprint);
    for (const shown of [`${token}`, inspect(token), JSON.stringify(token)]) {
      expect(shown).toContain(token.fingerprint);
      expect(shown).not.toContain('the-value');
    }
  });

  it('contains its subject, expiry and scopes in JSON', () => {
    expect(JSON.parse(JSON.stringify(token))).toEqual({
      fingerprint: token.fingerprint,
      subject,
      expiresAt: 5,
      scopes: ['item_preview'],
    });
  });

  it('is immutable, including its subject', () => {
    expect(() => Object.assign(token, { expiresAt: 6 })).toThrow(TypeError);
    expect(() => Object.assign(token.subject, { id: '6' })).toThrow(TypeError);
  });
});
