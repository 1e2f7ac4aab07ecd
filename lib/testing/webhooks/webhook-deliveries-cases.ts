import assert from 'node:assert/strict';
import type { WebhookDeliveries } from '../../box/webhooks/webhook-deliveries.js';

/** Gives the conformance cases control over a record of deliveries. */
export interface WebhookDeliveriesHarness {
  /** Creates another handle on the same shared record, like another process. */
  create(): Promise<WebhookDeliveries>;
  /** Advances the clock of the record. */
  advance(ms: number): Promise<void>;
}

/** The harness, a handle and an event for one case. */
export interface DeliveriesContext extends WebhookDeliveriesHarness {
  readonly deliveries: WebhookDeliveries;
  /** An event that no other case uses. */
  readonly event: string;
}

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;

const claim = (deliveries: WebhookDeliveries, event: string, owner: string) =>
  deliveries.claim(event, { owner, leaseMs: MINUTE });

/** The rules of every record of deliveries, by name. */
export const webhookDeliveriesCases: Readonly<
  Record<string, (context: DeliveriesContext) => Promise<void>>
> = {
  'grants the first claim, and reports its lease to others through any handle': async (context) => {
    const { deliveries, event } = context;
    assert.equal(await claim(deliveries, event, 'first'), 'claimed');
    assert.equal(await claim(deliveries, event, 'second'), 'leased');
    assert.equal(await claim(await context.create(), event, 'third'), 'leased');
  },

  'extends the lease of its owner': async (context) => {
    const { deliveries, event } = context;
    for (let extended = 0; extended < 3; extended++) {
      assert.equal(await claim(deliveries, event, 'first'), 'claimed');
      await context.advance(0.75 * MINUTE);
    }
    assert.equal(await claim(deliveries, event, 'second'), 'leased');
  },

  'ends a lease when its time is over': async (context) => {
    const { deliveries, event } = context;
    await claim(deliveries, event, 'first');
    await context.advance(MINUTE);
    assert.equal(await claim(deliveries, event, 'second'), 'claimed');
    assert.equal(await claim(deliveries, event, 'first'), 'leased');
  },

  'remembers a handled event for its time, through any handle': async (context) => {
    const { deliveries, event } = context;
    await claim(deliveries, event, 'first');
    await deliveries.complete(event, DAY);
    await context.advance(DAY - MINUTE);
    for (const handle of [deliveries, await context.create()]) {
      assert.equal(await claim(handle, event, 'first'), 'handled');
      assert.equal(await claim(handle, event, 'second'), 'handled');
    }
    await context.advance(MINUTE);
    assert.equal(await claim(deliveries, event, 'third'), 'claimed');
  },

  'lets a released event be claimed again': async ({ deliveries, event }) => {
    await claim(deliveries, event, 'first');
    await deliveries.release(event, 'first');
    assert.equal(await claim(deliveries, event, 'second'), 'claimed');
  },

  'ignores a release without a lease': async ({ deliveries, event }) => {
    await deliveries.release(event, 'first');
    await claim(deliveries, event, 'first');
    await deliveries.release(event, 'second');
    assert.equal(await claim(deliveries, event, 'third'), 'leased');
  },

  'never forgets a handled event because of a release': async (context) => {
    const { deliveries, event } = context;
    await claim(deliveries, event, 'slow');
    await context.advance(MINUTE);
    await claim(deliveries, event, 'quick');
    await deliveries.complete(event, DAY);
    await deliveries.release(event, 'slow');
    await deliveries.release(event, 'quick');
    assert.equal(await claim(deliveries, event, 'third'), 'handled');
  },

  'records success even after the lease ended': async (context) => {
    const { deliveries, event } = context;
    await claim(deliveries, event, 'slow');
    await context.advance(MINUTE);
    await deliveries.complete(event, DAY);
    assert.equal(await claim(deliveries, event, 'quick'), 'handled');
    const other = `${event} of another`;
    await claim(deliveries, other, 'slow');
    await context.advance(MINUTE);
    await claim(deliveries, other, 'quick');
    await deliveries.complete(other, DAY);
    assert.equal(await claim(deliveries, other, 'quick'), 'handled');
  },

  'keeps events apart, whatever characters they contain': async ({ deliveries, event }) => {
    const suffixes = ['', ' ', 'a', 'A', 'ä', 'a\u0308', '😀', '{a}', '{', ':', '*', '\n', '"'];
    const events = [...suffixes, 'x'.repeat(10_000)].map((suffix) => `${event}${suffix}`);
    for (const [index, one] of events.entries()) {
      assert.equal(await claim(deliveries, one, `owner ${index}`), 'claimed');
    }
    for (const one of events) assert.equal(await claim(deliveries, one, 'other'), 'leased');
  },

  'grants exactly one of fifty concurrent claims': async (context) => {
    const handles = await Promise.all(Array.from({ length: 5 }, () => context.create()));
    const claims = await Promise.all(
      Array.from({ length: 50 }, async (_, index) => {
        const handle = handles[index % handles.length] ?? context.deliveries;
        return await claim(handle, context.event, `owner ${index}`);
      }),
    );
    const expected = ['claimed', ...Array.from({ length: 49 }, () => 'leased')];
    assert.deepEqual(claims.toSorted(), expected);
  },
};
