import { describe, expect, it } from 'vitest';
import { webhookDeliveriesConformance } from 'nestjs-box-auth/testing';
import { MemoryWebhookDeliveries } from 'nestjs-box-auth/webhooks';
import { FakeRuntime } from '../../support/fake-runtime.js';
import { thrownBy } from '../../support/thrown.js';

describe('MemoryWebhookDeliveries', () => {
  const runtime = new FakeRuntime();
  const deliveries = new MemoryWebhookDeliveries({ runtime });

  const cases = webhookDeliveriesConformance({
    create: () => Promise.resolve(deliveries),
    advance: (ms) => runtime.advance(ms),
  });
  it.each(cases)('$name', async ({ run }) => {
    await expect(run()).resolves.toBeUndefined();
  });

  it('forgets the oldest event if there are too many', async () => {
    const few = new MemoryWebhookDeliveries({ maxEvents: 2, runtime });
    for (const event of ['1', '2', '3']) await few.complete(event, 60_000);
    const claims = ['3', '2', '1'].map((event) => few.claim(event, { owner: 'o', leaseMs: 1 }));
    expect(await Promise.all(claims)).toEqual(['handled', 'handled', 'claimed']);
  });

  it('measures time with the clock of the system by default', async () => {
    const own = new MemoryWebhookDeliveries();
    await own.complete('1', 60_000);
    expect(await own.claim('1', { owner: 'o', leaseMs: 1 })).toBe('handled');
  });

  it.each([{ maxEvents: 0 }, { maxEvents: 1.5 }, { max: 5 }, { runtime: {} }])(
    'rejects invalid options: %j',
    async (options) => {
      const error = await thrownBy(() => new MemoryWebhookDeliveries(options as never));
      expect(error.code).toBe('option_invalid');
    },
  );
});
