import { instrumentBoxAuth } from 'nestjs-box-auth/opentelemetry';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ALICE, ann, BOB, ConnectedBox, outcome } from '../support/box-connections.js';
import { points, TelemetrySdk } from '../support/telemetry-sdk.js';

const HOUR_MS = 3_600_000;
const LABEL = 'the-label';

let box: ConnectedBox;
let sdk: TelemetrySdk;
let stop: () => void;
beforeEach(async () => {
  box = await ConnectedBox.start();
  sdk = new TelemetrySdk();
  stop = instrumentBoxAuth(sdk);
});
afterEach(async () => {
  stop();
  await sdk.end();
  await box.stop();
});

const tokenOf = (owner: string) => outcome(box.advanceUntil(box.connections.getToken(owner)));
const ofBox = { 'box.token.issuer': 'Box' };
const change = (name: string) => ({ ...ofBox, 'box.connection.change': name });

describe('The metrics of connections', () => {
  it('count connections that were made, refreshed, lost and removed', async () => {
    await box.connect({ ...ann, label: LABEL });
    await box.connect();
    await box.connect({ owner: 'ben', binding: 'the session of ben' }, BOB);
    box.runtime.freeze(2 * HOUR_MS);
    await tokenOf('ann');
    box.emulator.revokeUserConnection(BOB);
    await tokenOf('ben');
    await box.connections.disconnect('ann');
    const changes = await sdk.metric('box.connection.changes');
    expect(changes.descriptor.unit).toBe('{change}');
    expect(points(changes)).toEqual([
      [change('connected'), 3],
      [change('refreshed'), 1],
      [change('lost'), 1],
      [change('disconnected'), 1],
    ]);
  });

  it('distinguish token requests for connections from those of the app', async () => {
    await box.connect();
    await tokenOf('ann');
    const attributes = {
      ...ofBox,
      'box.token.kind': 'mint',
      'box.token.outcome': 'shared',
      'box.token.subject_type': 'connection',
    };
    expect(points(await sdk.metric('box.token.mints'))).toEqual([[attributes, 1]]);
    expect(sdk.spans.map((span) => span.attributes)).toMatchObject([attributes]);
  });

  it('and its spans contain no owner, label, account or token', async () => {
    await box.connect({ owner: 'the-owner', binding: 'x', label: LABEL });
    const { value } = await box.connections.getToken('the-owner', { label: LABEL });
    await box.connections.disconnect('the-owner', { label: LABEL });
    const metrics = (await sdk.metrics()).map((metric) => [metric.descriptor, points(metric)]);
    const spans = sdk.spans.map(({ name, attributes, status }) => ({ name, attributes, status }));
    const telemetry = JSON.stringify([metrics, spans]);
    expect(telemetry).toContain('box.connection.changes');
    for (const secret of ['the-owner', LABEL, ALICE, value]) {
      expect(telemetry).not.toContain(secret);
    }
  });

  it('end with the instrumentation', async () => {
    stop();
    await box.connect();
    expect(await sdk.metrics()).toEqual([]);
  });
});
