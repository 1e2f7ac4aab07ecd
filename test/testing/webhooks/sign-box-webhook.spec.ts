import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { signBoxWebhook } from 'nestjs-box-auth/testing';
import { verifyBoxWebhook } from 'nestjs-box-auth/webhooks';
import { PRIMARY, SECONDARY, SENT_AT, signed } from '../../box/webhooks/signed-webhook.js';
import { anyText } from '../../support/any-text.js';
import { FakeRuntime } from '../../support/fake-runtime.js';

const keys = { primaryKey: PRIMARY, secondaryKey: SECONDARY };

describe('signBoxWebhook', () => {
  it('signs any event so that it is verified', async () => {
    const property = fc.asyncProperty(
      anyText(),
      fc.integer({ min: 0, max: 4e12 }),
      async (name, sentAtMs) => {
        const event = { trigger: 'FILE.UPLOADED', source: { type: 'file', id: '7', name } };
        const webhook = signBoxWebhook({ event, ...keys, sentAtMs });
        expect(webhook.body.toString('latin1')).toMatch(/^[ -~]*$/);
        const runtime = new FakeRuntime(sentAtMs);
        const verified = await verifyBoxWebhook({ ...webhook, ...keys, runtime });
        expect(verified).toMatchObject({ ...event, type: 'webhook_event', webhook: { id: '53' } });
      },
    );
    await fc.assert(property);
  });

  it('writes the body like Box', () => {
    const event = { trigger: 'FILE.UPLOADED', id: 'a/b', source: { name: 'é😀\r\\' } };
    const text = signBoxWebhook({ event, ...keys }).body.toString();
    expect(text).toContain(String.raw`"id":"a\/b"`);
    expect(text).toContain(String.raw`"name":"\u00e9\ud83d\ude00\r\\"`);
  });

  it('signs bytes unchanged, with the headers of Box', () => {
    const { body, headers } = signed('{"odd": 1}', { timestamp: '2020-01-01T07:00:00+00:00' });
    const webhook = signBoxWebhook({
      event: body,
      ...keys,
      sentAtMs: SENT_AT + 999,
      deliveryId: headers['box-delivery-id'],
    });
    expect(webhook).toEqual({ body, headers: { ...headers, 'user-agent': 'Box-WH-Client/0.1' } });
  });

  it('has a signature for each key, and a new id for each event', () => {
    const event = { trigger: 'FILE.UPLOADED' };
    const one = signBoxWebhook({ event, primaryKey: 'key' });
    const other = signBoxWebhook({ event, secondaryKey: 'key' });
    expect(one.headers).not.toHaveProperty('box-signature-secondary');
    expect(other.headers).not.toHaveProperty('box-signature-primary');
    expect(one.headers['box-delivery-id']).not.toBe(other.headers['box-delivery-id']);
    const ids = [one, other].map(({ body }) => (JSON.parse(body.toString()) as { id: string }).id);
    expect(new Set(ids).size).toBe(2);
  });
});
