import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MemoryWebhookDeliveries, type WebhookDeliveries } from 'nestjs-box-auth/webhooks';
import type { BoxWebhookEvent } from 'nestjs-box-auth/webhooks';
import {
  WebhookAdmissions,
  type WebhookHandling,
} from '../../../lib/box/webhooks/webhook-handling.js';
import { FakeRuntime } from '../../support/fake-runtime.js';
import { thrownBy } from '../../support/thrown.js';

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;

const eventOf = (fields: Readonly<Record<string, unknown>> = {}) =>
  ({ trigger: 'FILE.UPLOADED', id: 'e1', webhook: { id: '53' }, ...fields }) as BoxWebhookEvent;

function admissions(change: (deliveries: WebhookDeliveries) => WebhookDeliveries = (same) => same) {
  const runtime = new FakeRuntime();
  const deliveries = change(new MemoryWebhookDeliveries({ runtime }));
  const admit = (event = eventOf()) => new WebhookAdmissions(deliveries, runtime).admit(event);
  const handle = async (event = eventOf()): Promise<WebhookHandling> => {
    const admission = await admit(event);
    if (typeof admission === 'string') throw new Error(`The event is ${admission}.`);
    return admission;
  };
  return { runtime, admit, handle };
}

describe('An event', () => {
  it('is handled once, until a day after its handler succeeded', async () => {
    const { runtime, admit, handle } = admissions();
    const handling = await handle();
    expect(await admit()).toBe('leased');
    await handling.succeeded();
    await runtime.advance(DAY - 1);
    expect(await admit()).toBe('handled');
    await runtime.advance(1);
    expect(await admit()).toBeTypeOf('object');
  });

  it('is handled again after its handler failed', async () => {
    const { admit, handle } = admissions();
    await (await handle()).failed();
    await (await handle()).succeeded();
    expect(await admit()).toBe('handled');
  });

  it('is not handled twice, however long its handler takes', async () => {
    const { runtime, admit, handle } = admissions();
    const handling = await handle();
    for (let minute = 0; minute < 20; minute++) {
      await runtime.advance(MINUTE);
      expect(await admit()).toBe('leased');
    }
    await handling.succeeded();
    expect(runtime.timers).toBe(0);
  });

  it('is handled again an hour after the start of a handler that never ends', async () => {
    const { runtime, admit, handle } = admissions();
    await handle();
    await runtime.advance(62 * MINUTE);
    expect(await admit()).toBeTypeOf('object');
  });

  it.each([
    ['without an id', { id: undefined }],
    ['with an empty id', { id: '' }],
  ])('%s is handled each time', async (_, fields) => {
    const { runtime, handle } = admissions();
    const handling = await handle(eventOf(fields));
    await handling.succeeded();
    await (await handle(eventOf(fields))).failed();
    expect(runtime.timers).toBe(0);
  });

  it('of another webhook is another event', async () => {
    const { admit, handle } = admissions();
    await (await handle()).succeeded();
    expect(await admit(eventOf({ webhook: { id: '54' } }))).toBeTypeOf('object');
    const expired = eventOf({ trigger: 'NO_ACTIVE_SESSION', webhook: undefined });
    await (await handle(expired)).succeeded();
    expect(await admit(expired)).toBe('handled');
  });

  it('is handled each time without deliveries', async () => {
    const without = new WebhookAdmissions(undefined, new FakeRuntime());
    for (let time = 0; time < 2; time++) {
      const admission = await without.admit(eventOf());
      expect(admission).toBeTypeOf('object');
      if (typeof admission === 'object') await admission.succeeded();
    }
  });
});

describe('A record of deliveries that is unavailable', () => {
  const failing = () => Promise.reject(new Error('redis://:Sup3rS3cret@localhost refused'));

  it('rejects the webhook, so that Box delivers it again', async () => {
    const { runtime, admit } = admissions((one) => ({ ...bound(one), claim: failing }));
    const error = await thrownBy(() => admit());
    expect(error).toMatchObject({ code: 'store_unavailable', retryable: true });
    expect(String(error.cause)).not.toContain('Sup3rS3cret');
    expect(runtime.timers).toBe(0);
  });

  it('is given up after 5 s', async () => {
    const { runtime, admit } = admissions((one) => ({
      ...bound(one),
      claim: () => new Promise(() => undefined),
    }));
    const refused = thrownBy(() => admit());
    await runtime.advance(5_000);
    expect((await refused).code).toBe('store_unavailable');
  });

  it('does not fail a webhook that was handled', async () => {
    const { handle } = admissions((one) => ({
      ...bound(one),
      complete: failing,
      release: failing,
    }));
    await expect((await handle()).succeeded()).resolves.toBeUndefined();
    await expect((await handle(eventOf({ id: 'e2' }))).failed()).resolves.toBeUndefined();
  });
});

function bound(deliveries: WebhookDeliveries): WebhookDeliveries {
  return {
    claim: (...args) => deliveries.claim(...args),
    complete: (...args) => deliveries.complete(...args),
    release: (...args) => deliveries.release(...args),
  };
}

/** A process that may crash: its timers never fire again, and it reports nothing. */
class Process {
  isAlive = true;
  readonly runtime: FakeRuntime;
  readonly admissions: WebhookAdmissions;
  readonly running: { readonly event: string; readonly handling: WebhookHandling }[] = [];

  constructor(deliveries: WebhookDeliveries, shared: FakeRuntime, id: number) {
    this.runtime = shared;
    const schedule: FakeRuntime['schedule'] = (task, delayMs) =>
      shared.schedule(() => this.isAlive && task(), delayMs);
    const uniqueId = () => `${id} ${shared.uniqueId()}`;
    const { now, monotonic, random } = shared;
    this.admissions = new WebhookAdmissions(deliveries, {
      now,
      monotonic,
      random,
      uniqueId,
      schedule,
    });
  }
}

describe('Any history of deliveries, failures and crashes', () => {
  const step = fc.oneof(
    fc.record({ kind: fc.constant('deliver' as const), event: fc.nat(2), process: fc.nat(2) }),
    fc.record({ kind: fc.constant('succeed' as const), process: fc.nat(2) }),
    fc.record({ kind: fc.constant('fail' as const), process: fc.nat(2) }),
    fc.record({ kind: fc.constant('crash' as const), process: fc.nat(2) }),
    fc.record({ kind: fc.constant('wait' as const), ms: fc.integer({ min: 1, max: 2 * MINUTE }) }),
  );

  it('never repeats a success, never runs an event twice at once, and repeats every failure', async () => {
    const property = fc.asyncProperty(fc.array(step, { maxLength: 30 }), async (steps) => {
      const runtime = new FakeRuntime();
      const deliveries = new MemoryWebhookDeliveries({ runtime });
      const start = (id: number) => new Process(deliveries, runtime, id);
      const processes = [0, 1, 2].map(start);
      const processOf = (index: number) => processes[index] ?? start(index);
      const succeeded = new Set<string>();
      /** When the lease of a crashed handler ends. */
      const crashedUntil = new Map<string, number>();
      const isRunning = (event: string) =>
        processes.some(({ running }) => running.some((one) => one.event === event));

      for (const one of steps) {
        if (one.kind === 'wait') await runtime.advance(one.ms);
        if (one.kind === 'deliver') {
          const event = `e${one.event}`;
          const { admissions: admitted, running } = processOf(one.process);
          const admission = await admitted.admit(eventOf({ id: event }));
          if (succeeded.has(event)) expect(admission).toBe('handled');
          else if (isRunning(event)) expect(admission).toBe('leased');
          else if ((crashedUntil.get(event) ?? 0) <= runtime.monotonic()) {
            expect(admission).toBeTypeOf('object');
          } else expect(admission).not.toBe('handled');
          if (typeof admission === 'object') {
            crashedUntil.delete(event);
            running.push({ event, handling: admission });
          }
        }
        if (one.kind === 'succeed' || one.kind === 'fail') {
          const ended = processOf(one.process).running.shift();
          if (ended === undefined) continue;
          if (one.kind === 'succeed') succeeded.add(ended.event);
          await (one.kind === 'succeed' ? ended.handling.succeeded() : ended.handling.failed());
        }
        if (one.kind === 'crash') {
          const crashed = processOf(one.process);
          crashed.isAlive = false;
          for (const { event } of crashed.running) {
            crashedUntil.set(event, runtime.monotonic() + MINUTE);
          }
          processes[one.process] = start(one.process);
        }
      }
    });
    await fc.assert(property, { numRuns: 60 });
  });
});
