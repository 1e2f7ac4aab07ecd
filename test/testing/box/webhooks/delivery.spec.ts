import { describe, expect, test } from 'vitest';
import { deferred } from '../../../support/deferred.js';
import { NOW_MS } from '../emulator-fixture.js';
import { startWatched, until, verify, type Watched } from './webhook-fixture.js';

const MINUTE = 60_000;

const upload = ({ emulator, folderId }: Watched, name = 'plan.pdf') =>
  emulator.addFile({ name, parentId: folderId, content: 'The plan' });

async function deliveryOf({ emulator }: Watched) {
  await emulator.webhooks.settled();
  const { deliveries } = emulator.webhooks;
  const [delivery] = deliveries;
  if (delivery === undefined || deliveries.length > 1) throw new Error(`${deliveries.length}`);
  return delivery;
}

describe('The emulator delivers a webhook', () => {
  test('signed with both keys, with the headers and the body of Box', async () => {
    const box = await startWatched();
    const webhookId = box.watch(['FILE.UPLOADED']);
    const file = upload(box, 'Plan / 計画 😀.pdf');
    const { id, event } = await deliveryOf(box);
    const [request] = box.arrived;
    expect(request).toMatchObject({ method: 'POST', path: '/webhooks/box' });
    expect(request?.headers).toMatchObject({
      'content-type': 'application/json; charset=utf-8',
      'user-agent': 'Box-WH-Client/0.1',
      'box-delivery-timestamp': '2031-05-06T07:08:09+00:00',
      'box-signature-version': '1',
      'box-signature-algorithm': 'HmacSHA256',
      'box-signature-primary': expect.any(String) as string,
      'box-signature-secondary': expect.any(String) as string,
    });
    if (request === undefined) return;
    expect(request.body).toContain(String.raw`Plan \/ \u8a08\u753b \ud83d\ude00.pdf`);
    const verified = await verify(box, request);
    expect(verified).toEqual(event);
    expect(verified).toMatchObject({
      type: 'webhook_event',
      id,
      created_at: '2031-05-06T07:08:09+00:00',
      trigger: 'FILE.UPLOADED',
      webhook: { id: webhookId, type: 'webhook' },
      created_by: { type: 'user', id: box.emulator.serviceAccountId, name: 'Emulated App' },
      source: {
        type: 'file',
        id: file.id,
        name: 'Plan / 計画 😀.pdf',
        size: 8,
        parent: { id: box.folderId },
        item_status: 'active',
      },
      additional_info: [],
    });
  });

  test('and lists the result', async () => {
    const box = await startWatched();
    const webhookId = box.watch(['FILE.UPLOADED']);
    upload(box);
    expect(await deliveryOf(box)).toMatchObject({
      webhookId,
      address: box.address,
      trigger: 'FILE.UPLOADED',
      state: 'delivered',
      attempts: [
        { deliveryId: box.arrived[0]?.headers['box-delivery-id'], sentAtMs: NOW_MS, status: 204 },
      ],
    });
    expect(box.runtime.timers).toBe(0);
    box.emulator.webhooks.clearDeliveries();
    expect(box.emulator.webhooks.deliveries).toEqual([]);
  });

  test('to no host but loopback', async () => {
    const box = await startWatched();
    const target = { type: 'folder', id: box.folderId } as const;
    const address = 'https://app.example/webhooks/box';
    box.emulator.webhooks.add({ target, address, triggers: ['FILE.UPLOADED'] });
    upload(box);
    const { id, state, attempts } = await deliveryOf(box);
    expect([state, attempts]).toEqual(['not-sent', []]);
    expect(await box.emulator.webhooks.redeliver(id)).toMatchObject({ state, attempts });
    expect(box.runtime.timers).toBe(0);
  });

  test('with a clock that is wrong', async () => {
    const box = await startWatched(undefined, { clockSkewMs: -11 * MINUTE });
    box.watch(['FILE.UPLOADED']);
    upload(box);
    await deliveryOf(box);
    const [request] = box.arrived;
    if (request === undefined) throw new Error('nothing arrived');
    await expect(verify(box, request)).rejects.toThrow(/ms ago, longer than `maxAgeMs`/);
  });
});

describe('The signature keys of the emulator', () => {
  test('are new in each emulator, unless they are given', async () => {
    const [one, other] = [await startWatched(), await startWatched()];
    const texts = [one, other].flatMap(({ emulator: { webhooks } }) => [
      webhooks.keys.primaryKey,
      webhooks.keys.secondaryKey,
    ]);
    expect(new Set(texts).size).toBe(4);
    const webhookKeys = { primaryKey: 'a', secondaryKey: 'b' };
    const given = await startWatched(undefined, { webhookKeys });
    expect(given.emulator.webhooks.keys).toEqual(webhookKeys);
  });

  test('can be replaced and removed', async () => {
    const box = await startWatched();
    box.watch(['FILE.UPLOADED']);
    box.emulator.webhooks.keys = { secondaryKey: 'the second' };
    upload(box, '1');
    await box.emulator.webhooks.settled();
    box.emulator.webhooks.keys = {};
    upload(box, '2');
    await box.emulator.webhooks.settled();
    const [signed, unsigned] = box.arrived;
    if (signed === undefined || unsigned === undefined) throw new Error('missing');
    expect(signed.headers).not.toHaveProperty('box-signature-primary');
    expect(unsigned.headers).not.toHaveProperty('box-signature-secondary');
    box.emulator.webhooks.keys = { primaryKey: 'another', secondaryKey: 'the second' };
    await expect(verify(box, signed)).resolves.toMatchObject({ trigger: 'FILE.UPLOADED' });
    await expect(verify(box, unsigned)).rejects.toThrow('no signature');
  });
});

describe('The emulator delivers an event again', () => {
  test('every ten minutes until there is a 2xx, with the same body and a new delivery id', async () => {
    const statuses = [500, 302, 404, 200];
    const box = await startWatched((_request, response) => {
      response.writeHead(statuses[box.arrived.length - 1] ?? 200, { location: '/' }).end();
    });
    box.watch(['FILE.UPLOADED']);
    upload(box);
    const first = await deliveryOf(box);
    expect(first).toMatchObject({ state: 'pending', nextAttemptAtMs: NOW_MS + 10 * MINUTE });
    for (let attempts = 1; attempts < 4; attempts += 1) {
      await box.runtime.advance(10 * MINUTE - 1);
      expect((await deliveryOf(box)).attempts).toHaveLength(attempts);
      await box.runtime.advance(1);
      await box.emulator.webhooks.settled();
    }
    const last = await deliveryOf(box);
    expect(last.state).toBe('delivered');
    expect(last).not.toHaveProperty('nextAttemptAtMs');
    expect(last.attempts.map(({ status }) => status)).toEqual(statuses);
    expect(last.attempts.map(({ sentAtMs }) => (sentAtMs - NOW_MS) / MINUTE)).toEqual([
      0, 10, 20, 30,
    ]);
    expect(new Set(box.arrived.map(({ body }) => body)).size).toBe(1);
    expect(new Set(box.arrived.map(({ headers }) => headers['box-delivery-id'])).size).toBe(4);
    for (const request of box.arrived.slice(-1)) {
      await expect(verify(box, request)).resolves.toMatchObject({ id: last.id });
    }
    await box.runtime.advance(24 * 60 * MINUTE);
    expect(box.arrived).toHaveLength(4);
  });

  test('up to twelve times in two hours', async () => {
    const box = await startWatched((_request, response) => response.writeHead(503).end());
    box.watch(['FILE.UPLOADED']);
    upload(box);
    await box.emulator.webhooks.settled();
    for (let retry = 0; retry < 12; retry += 1) {
      expect((await deliveryOf(box)).state).toBe('pending');
      await box.runtime.advance(10 * MINUTE);
      await box.emulator.webhooks.settled();
    }
    const { state, attempts } = await deliveryOf(box);
    expect([state, attempts.length]).toEqual(['failed', 13]);
    expect(attempts.at(-1)?.sentAtMs).toBe(NOW_MS + 120 * MINUTE);
    expect(box.runtime.timers).toBe(0);
  });

  test('if the app does not respond within 30 seconds', async () => {
    const box = await startWatched((_request, response) => {
      if (box.arrived.length > 1) response.end();
    });
    box.watch(['FILE.UPLOADED']);
    upload(box);
    await until(() => box.arrived.length === 1);
    await box.runtime.advance(29_999);
    const [unanswered] = box.emulator.webhooks.deliveries;
    expect(unanswered?.state).toBe('pending');
    expect(unanswered?.attempts).toEqual([
      { deliveryId: box.arrived[0]?.headers['box-delivery-id'], sentAtMs: NOW_MS },
    ]);
    await box.runtime.advance(1);
    expect(await deliveryOf(box)).toMatchObject({
      state: 'pending',
      attempts: [{ error: 'timeout' }],
      nextAttemptAtMs: NOW_MS + 10 * MINUTE,
    });
    await box.runtime.advance(10 * MINUTE - 30_000);
    expect(await deliveryOf(box)).toMatchObject({
      state: 'delivered',
      attempts: [{ error: 'timeout' }, { status: 200 }],
    });
  });

  test('if the app cannot be reached, or closes the connection', async () => {
    const box = await startWatched((_request, response) => response.destroy());
    const target = { type: 'folder', id: box.emulator.addFolder({ name: 'Other' }).id } as const;
    const address = 'http://127.0.0.1:1/';
    box.emulator.webhooks.add({ target, address, triggers: ['FILE.UPLOADED'] });
    box.watch(['FILE.UPLOADED']);
    box.emulator.addFile({ name: 'a', parentId: target.id, content: '' });
    upload(box);
    await box.emulator.webhooks.settled();
    expect(box.emulator.webhooks.deliveries).toMatchObject([
      { state: 'pending', attempts: [{ error: 'ECONNREFUSED' }] },
      { state: 'pending', attempts: [{ error: 'ECONNRESET' }] },
    ]);
  });

  test('on request', async () => {
    const box = await startWatched();
    box.watch(['FILE.UPLOADED']);
    upload(box);
    const { id } = await deliveryOf(box);
    await box.runtime.advance(MINUTE);
    expect(await box.emulator.webhooks.redeliver(id)).toMatchObject({
      state: 'delivered',
      attempts: [{ sentAtMs: NOW_MS }, { sentAtMs: NOW_MS + MINUTE, status: 204 }],
    });
    const [first, second] = box.arrived;
    expect(second?.body).toBe(first?.body);
    expect(second?.headers['box-delivery-id']).not.toBe(first?.headers['box-delivery-id']);
    if (second) await expect(verify(box, second)).resolves.toMatchObject({ id });
    await expect(box.emulator.webhooks.redeliver('none')).rejects.toThrow('Unknown delivery');
  });

  test('on request only once, if there was a 2xx before', async () => {
    const box = await startWatched((_request, response) => {
      response.writeHead(box.arrived.length === 1 ? 200 : 500).end();
    });
    box.watch(['FILE.UPLOADED']);
    upload(box);
    const { id } = await deliveryOf(box);
    const repeated = await box.emulator.webhooks.redeliver(id);
    expect(repeated).toMatchObject({ state: 'delivered', attempts: [{}, { status: 500 }] });
    expect(repeated).not.toHaveProperty('nextAttemptAtMs');
    expect(box.runtime.timers).toBe(0);
  });

  test('on request while the first attempt is in progress', async () => {
    const mayRespond = deferred();
    const box = await startWatched((_request, response) => {
      const status = box.arrived.length === 1 ? 204 : 503;
      void (status === 204 ? mayRespond.promise : Promise.resolve()).then(() =>
        response.writeHead(status).end(),
      );
    });
    box.watch(['FILE.UPLOADED']);
    upload(box);
    await until(() => box.arrived.length === 1);
    const [delivery] = box.emulator.webhooks.deliveries;
    const repeated = await box.emulator.webhooks.redeliver(delivery?.id ?? '');
    expect(repeated).toMatchObject({ state: 'pending', attempts: [{}, { status: 503 }] });
    mayRespond.resolve();
    expect(await deliveryOf(box)).toMatchObject({
      state: 'delivered',
      attempts: [{ status: 204 }, {}],
    });
    expect(box.runtime.timers).toBe(0);
  });

  test('until it stops', async () => {
    const box = await startWatched((request, response) => {
      if (request.path.endsWith('box')) response.writeHead(500).end();
    });
    box.watch(['FILE.UPLOADED']);
    upload(box, 'rejected');
    await box.emulator.webhooks.settled();
    const target = { type: 'folder', id: box.emulator.addFolder({ name: 'Other' }).id } as const;
    const address = box.address.replace('box', 'silent');
    box.emulator.webhooks.add({ target, address, triggers: ['FILE.UPLOADED'] });
    box.emulator.addFile({ name: 'unanswered', parentId: target.id, content: '' });
    await until(() => box.arrived.length === 2);
    await box.emulator.stop();
    expect(box.runtime.timers).toBe(0);
    expect(box.emulator.webhooks.deliveries).toMatchObject([
      { state: 'failed', attempts: [{ status: 500 }] },
      { state: 'failed', attempts: [{ error: 'ABORT_ERR' }] },
    ]);
    upload(box, 'afterwards');
    await box.runtime.advance(60 * MINUTE);
    expect(box.arrived).toHaveLength(2);
  });
});
