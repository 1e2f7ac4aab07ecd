import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type BoxWebhookEvent, verifyBoxWebhook } from 'nestjs-box-auth/webhooks';
import { anyText } from '../../support/any-text.js';
import { FakeRuntime } from '../../support/fake-runtime.js';
import { thrownBy } from '../../support/thrown.js';
import {
  eventBody,
  PRIMARY,
  SECONDARY,
  SENT_AT,
  signed,
  TIMESTAMP,
  withHeaders,
  withoutHeaders,
} from './signed-webhook.js';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const keys = { primaryKey: PRIMARY, secondaryKey: SECONDARY };
const at = (ms: number) => ({ runtime: new FakeRuntime(SENT_AT + ms) });
const onTime = { ...keys, ...at(SECOND) };

async function refusalOf(work: () => unknown, code = 'webhook_invalid'): Promise<string> {
  const error = await thrownBy(work);
  expect(error).toMatchObject({ code, retryable: false });
  return `${error.message} ${error.hint}`;
}

const P =
  '{"webhook":{"id":"1234567890"},"trigger":"FILE.UPLOADED","source":{"id":"1234567890","type":"file","name":"';
const Q = '"}}';

/** The samples in the tests of Box's own SDKs: https://github.com/box/box-node-sdk. */
const samples = [
  [
    'plain ASCII',
    '{"type":"webhook_event","webhook":{"id":"1234567890"},"trigger":"FILE.UPLOADED","source":{"id":"1234567890","type":"file","name":"Test.txt"}}',
    '6TfeAW3A1PASkgboxxA5yqHNKOwFyMWuEXny/FPD5hI=',
    'Test.txt',
  ],
  [
    'escaped Japanese',
    `${P}${String.raw`\u30b9\u30af\u30ea\u30fc\u30f3\u30b7\u30e7\u30c3\u30c8 2020-08-05.txt`}${Q}`,
    'LV2uCu+5NJtIHrCXDYgZ0v/PP5THGRuegw3RtdnEyuE=',
    'スクリーンショット 2020-08-05.txt',
  ],
  [
    'an escaped emoji',
    `${P}${String.raw`\ud83d\ude00 2020-08-05.txt`}${Q}`,
    'xF/SDZosX4le+v4A0Qn59sZhuD1RqY5KRUKzVMSbh0E=',
    '😀 2020-08-05.txt',
  ],
  [
    'an escaped carriage return',
    `${P}${String.raw`test \r`}${Q}`,
    'SVkbKgy3dEEf2PbbzpNu2lDZS7zZ/aboU7HOZgBGrJk=',
    'test \r',
  ],
  [
    'an escaped slash',
    `${P}${String.raw`\/`}${Q}`,
    't41PWT5ZB6OcysnD6SDy9Ud+p9hdXxIdXqcdweyZv/Q=',
    '/',
  ],
  ['an escaped backslash', `${P}\\\\${Q}`, 'ERpMZwUQsGDTfj82ehdX6VvDZfvOhK5ULNfVmwVAGe0=', '\\'],
  [
    'a URL with escaped slashes',
    `${P}Test.txt","shared_link":{"url":"${String.raw`https:\/\/app.test.com\/s\/test123`}"}}}`,
    '+hKJH+wxkEBpkQRag11Ij1Wh4+7QrgUeRe0PPSoGWOI=',
    'Test.txt',
  ],
] as const;

const sampleOf = (body: string, primary: string) =>
  withHeaders(withoutHeaders(signed(body), 'box-signature-secondary'), {
    'box-signature-primary': primary,
  });

describe("verifyBoxWebhook, with the samples of Box's SDKs", () => {
  it.each(samples)('accepts %s', async (_, body, primary, name) => {
    const event = await verifyBoxWebhook({ ...sampleOf(body, primary), ...onTime });
    expect(event).toEqual(JSON.parse(body));
    expect(event.source).toMatchObject({ name });
  });

  it('accepts the secondary signature alone', async () => {
    const [[, body]] = samples;
    const webhook = withHeaders(withoutHeaders(signed(body), 'box-signature-primary'), {
      'box-signature-secondary': 'v+1CD1Jdo3muIcbpv5lxxgPglOqMfsNHPV899xWYydo=',
    });
    await expect(verifyBoxWebhook({ ...webhook, ...onTime })).resolves.toMatchObject({
      trigger: 'FILE.UPLOADED',
    });
    await expect(
      verifyBoxWebhook({ ...webhook, secondaryKey: SECONDARY, ...at(0) }),
    ).resolves.toMatchObject({ trigger: 'FILE.UPLOADED' });
  });

  // JSON.stringify writes the other samples as Box does.
  it.each(samples.filter(([, body]) => /\\[u/]/.test(body)))(
    'refuses %s that was serialized again',
    async (_, body, primary) => {
      const { headers } = sampleOf(body, primary);
      const again = Buffer.from(JSON.stringify(JSON.parse(body)));
      const text = await refusalOf(() => verifyBoxWebhook({ body: again, headers, ...onTime }));
      expect(text).toContain('No signature of the webhook matches');
    },
  );

  it('refuses the Japanese sample with its characters as UTF-8', async () => {
    const body = Buffer.from(`${P}スクリーンショット 2020-08-05.txt${Q}`);
    const { headers } = sampleOf(samples[1][1], samples[1][2]);
    await refusalOf(() => verifyBoxWebhook({ body, headers, ...onTime }));
    // Box's SDKs sign this body for comparison.
    expect(signed(body).headers['box-signature-primary']).toBe(
      'cc2mzyQ0LQLr+jIQ0A0aS3iKuSH5gaOzJoSVBlrj9k0=',
    );
  });
});

describe('verifyBoxWebhook', () => {
  const webhook = signed(eventBody());

  it('refuses signatures that are swapped', async () => {
    const swapped = withHeaders(webhook, {
      'box-signature-primary': webhook.headers['box-signature-secondary'] ?? '',
      'box-signature-secondary': webhook.headers['box-signature-primary'] ?? '',
    });
    expect(await refusalOf(() => verifyBoxWebhook({ ...swapped, ...onTime }))).toContain(
      'No signature of the webhook matches',
    );
  });

  it('refuses a signature by the other key if it is the only one', async () => {
    for (const [name, key] of [
      ['primary', SECONDARY],
      ['secondary', PRIMARY],
    ] as const) {
      const single = withoutHeaders(
        signed(eventBody(), { [name]: key }),
        `box-signature-${name === 'primary' ? 'secondary' : 'primary'}`,
      );
      expect(await refusalOf(() => verifyBoxWebhook({ ...single, ...onTime }))).toContain(
        'No signature of the webhook matches',
      );
    }
  });

  it('refuses a signature of another app', async () => {
    const foreign = signed(eventBody(), { primary: 'other', secondary: 'another' });
    const text = await refusalOf(() => verifyBoxWebhook({ ...foreign, ...onTime }));
    expect(text).toContain('Compare primaryKey and secondaryKey with the keys');
    expect(text).not.toMatch(/SamplePrimaryKey|SampleSecondaryKey/);
  });

  it('accepts one valid signature next to an invalid one', async () => {
    for (const name of ['box-signature-primary', 'box-signature-secondary']) {
      const half = withHeaders(webhook, { [name]: 'invalid' });
      await expect(verifyBoxWebhook({ ...half, ...onTime })).resolves.toBeDefined();
    }
  });

  it.each([
    ['no signature', ['box-signature-primary', 'box-signature-secondary'], /generate them in/],
    ['no time', ['box-delivery-timestamp'], /box-delivery-timestamp.*received nothing/],
    ['no version', ['box-signature-version'], /box-signature-version.*expected "1"/],
    ['no algorithm', ['box-signature-algorithm'], /box-signature-algorithm.*"HmacSHA256"/],
  ])('refuses a webhook with %s', async (_, names, text) => {
    const partial = withoutHeaders(webhook, ...names);
    expect(await refusalOf(() => verifyBoxWebhook({ ...partial, ...onTime }))).toMatch(text);
  });

  it.each([
    ['box-signature-version', '2'],
    ['box-signature-algorithm', 'HmacSHA1'],
    ['box-signature-algorithm', 'hmacsha256'],
  ])('refuses another %s: %s', async (name, value) => {
    const other = withHeaders(webhook, { [name]: value });
    expect(await refusalOf(() => verifyBoxWebhook({ ...other, ...onTime }))).toContain(
      `received "${value}"`,
    );
  });

  it('shows no secret of a header', async () => {
    const token = 'Bearer 1!a2b3c4d5e6f7g8h9i0j1k2l3m4n5o6p7';
    const other = withHeaders(webhook, { 'box-signature-version': `${token}\nforged line` });
    const text = await refusalOf(() => verifyBoxWebhook({ ...other, ...onTime }));
    expect(text).not.toMatch(/1!a2b3|\n/);
  });

  it.each([
    ['10 minutes ago', 10 * MINUTE],
    ['now', 0],
    ['1 minute in the future', -MINUTE],
  ])('accepts a webhook that was sent %s', async (_, ageMs) => {
    await expect(verifyBoxWebhook({ ...webhook, ...keys, ...at(ageMs) })).resolves.toBeDefined();
  });

  it.each([
    ['more than 10 minutes ago', 10 * MINUTE + 1, 'maxAgeMs'],
    ['more than 1 minute in the future', -MINUTE - 1, 'skewMs'],
  ])('refuses a webhook that was sent %s', async (_, ageMs, option) => {
    const text = await refusalOf(() => verifyBoxWebhook({ ...webhook, ...keys, ...at(ageMs) }));
    expect(text).toContain(`\`${option}\``);
  });

  it('accepts the limits of the options', async () => {
    const options = { ...keys, maxAgeMs: 5, skewMs: 0 };
    await expect(verifyBoxWebhook({ ...webhook, ...options, ...at(5) })).resolves.toBeDefined();
    await refusalOf(() => verifyBoxWebhook({ ...webhook, ...options, ...at(6) }));
    await refusalOf(() => verifyBoxWebhook({ ...webhook, ...options, ...at(-1) }));
  });

  it('uses the clock of the system by default', async () => {
    expect(await refusalOf(() => verifyBoxWebhook({ ...webhook, ...keys }))).toContain('maxAgeMs');
    const timestamp = new Date().toISOString();
    await expect(
      verifyBoxWebhook({ ...signed(eventBody(), { timestamp }), ...keys }),
    ).resolves.toBeDefined();
  });

  it.each(['', 'yesterday', '2020', '2020-01-01', '2020-01-01T00:00:00', '1577862000000', 'NaN'])(
    'refuses a signed time that is not RFC 3339: %s',
    async (timestamp) => {
      const odd = signed(eventBody(), { timestamp });
      const text = await refusalOf(() => verifyBoxWebhook({ ...odd, ...onTime }));
      expect(text).toContain('box-delivery-timestamp');
    },
  );

  it('accepts each form of a time by RFC 3339', async () => {
    for (const timestamp of ['2020-01-01T07:00:00Z', '2020-01-01T08:30:00.123+01:30']) {
      await expect(
        verifyBoxWebhook({ ...signed(eventBody(), { timestamp }), ...onTime }),
      ).resolves.toBeDefined();
    }
    const impossible = signed(eventBody(), { timestamp: '2020-13-01T00:00:00Z' });
    await refusalOf(() => verifyBoxWebhook({ ...impossible, ...onTime }));
  });

  it('reads headers from a Headers object, and lists of one value', async () => {
    const { body, headers } = webhook;
    await expect(
      verifyBoxWebhook({ body, headers: new Headers(headers), ...onTime }),
    ).resolves.toBeDefined();
    const lists = Object.fromEntries(Object.entries(headers).map(([name, one]) => [name, [one]]));
    await expect(verifyBoxWebhook({ body, headers: lists, ...onTime })).resolves.toBeDefined();
    const twice = { ...lists, 'box-delivery-timestamp': [TIMESTAMP, TIMESTAMP] };
    await refusalOf(() => verifyBoxWebhook({ body, headers: twice, ...onTime }));
  });

  it.each([
    [
      'a view of a larger buffer',
      (body: Buffer) => Buffer.concat([body, body]).subarray(body.length),
    ],
    ['an ArrayBuffer', (body: Buffer) => Uint8Array.from(body).buffer],
    ['a DataView', (body: Buffer) => new DataView(Uint8Array.from(body).buffer) as never],
  ])('reads the bytes of %s', async (_, convert) => {
    await expect(
      verifyBoxWebhook({ ...webhook, body: convert(webhook.body), ...onTime }),
    ).resolves.toBeDefined();
  });

  it.each([
    ['nothing', undefined, 'received nothing'],
    ['a parsed body', JSON.parse(eventBody()), 'received a value that is not bytes'],
    ['a string', eventBody(), 'received a string'],
  ])('names the raw body if it is missing: %s', async (_, body, received) => {
    const text = await refusalOf(
      () => verifyBoxWebhook({ ...webhook, ...onTime, body: body as never }),
      'webhook_raw_body_missing',
    );
    expect(text).toContain(received);
    expect(text).toContain('rawBody: true');
  });

  it.each([
    ['text', 'hello'],
    ['a list', '[]'],
    ['null', 'null'],
    ['no trigger', '{"webhook":{"id":"1"}}'],
    ['no webhook', '{"trigger":"FILE.UPLOADED"}'],
    ['a number as its id', eventBody({ id: 5 })],
    ['nothing', ''],
  ])('refuses a signed body that is not an event: %s', async (_, body) => {
    const text = await refusalOf(() => verifyBoxWebhook({ ...signed(body), ...onTime }));
    expect(text).toContain('its body is not an event');
  });
});

describe('An event', () => {
  const verified = (fields: Readonly<Record<string, unknown>>) =>
    verifyBoxWebhook({ ...signed(eventBody(fields)), ...onTime });

  it.each([
    ['an unknown trigger', { trigger: 'FILE.TELEPORTED', source: ['odd'] }],
    ['additional_info as a list', { additional_info: [] }],
    ['additional_info as an object', { additional_info: {} }],
    [
      'the end of the webhook',
      { trigger: 'WEBHOOK.DELETED', additional_info: { reason: 'auto_cleanup' } },
    ],
    ['an expired session', { trigger: 'NO_ACTIVE_SESSION', webhook: undefined, source: undefined }],
  ])('is passed on with %s', async (_, fields) => {
    expect(await verified(fields)).toEqual(JSON.parse(eventBody(fields)));
  });

  it('has the source of its trigger', async () => {
    const nameOf = (event: BoxWebhookEvent): string | undefined => {
      if (event.trigger === 'FILE.UPLOADED' || event.trigger === 'FILE.TRASHED') {
        return `${event.source.type satisfies 'file'} ${event.source.name}`;
      }
      if (event.trigger === 'FOLDER.MOVED') {
        return `${event.source.type satisfies 'folder'} ${event.source.name}`;
      }
      if (event.trigger === 'COLLABORATION.CREATED') {
        return event.source.type satisfies 'collaboration';
      }
      // @ts-expect-error -- Box may leave out the webhook
      if (event.trigger === 'NO_ACTIVE_SESSION') return event.webhook.id;
      const trigger: string = event.trigger;
      return trigger === 'FILE.TELEPORTED' ? trigger : undefined;
    };
    expect(nameOf(await verified({}))).toBe('file plan.pdf');
    const folder = { type: 'folder', id: '1', name: 'Plans' };
    expect(nameOf(await verified({ trigger: 'FOLDER.MOVED', source: folder }))).toBe(
      'folder Plans',
    );
    expect(nameOf(await verified({ trigger: 'FILE.TELEPORTED' }))).toBe('FILE.TELEPORTED');
    expect(nameOf(await verified({ trigger: 'FILE.LOCKED' }))).toBeUndefined();
  });
});

describe('Any webhook', () => {
  const texts = anyText({ maxLength: 40 });
  const keyTexts = fc.string({ minLength: 1, maxLength: 40 }).filter((key) => key.trim() !== '');
  const bodies = texts.map((name) => eventBody({ source: { type: 'file', id: '1', name } }));

  it('is accepted if it is signed with either key', async () => {
    const property = fc.asyncProperty(
      bodies,
      keyTexts,
      keyTexts,
      fc.integer({ min: -60, max: 600 }),
      fc.constantFrom('both', 'primary', 'secondary'),
      async (body, primary, secondary, ageS, valid) => {
        const webhook = signed(body, { primary, secondary });
        const invalid = valid === 'primary' ? 'secondary' : 'primary';
        const headers = valid === 'both' ? {} : { [`box-signature-${invalid}`]: '' };
        const event = await verifyBoxWebhook({
          ...withHeaders(webhook, headers),
          primaryKey: primary,
          secondaryKey: secondary,
          ...at(ageS * SECOND),
        });
        expect(event).toEqual(JSON.parse(body));
      },
    );
    await fc.assert(property);
  });

  it('is refused if one bit of its body, time or signatures is changed', async () => {
    const property = fc.asyncProperty(
      bodies,
      fc.constantFrom('body', 'box-delivery-timestamp', 'signatures'),
      fc.nat(),
      async (body, part, position) => {
        const webhook = signed(body);
        const flipped = (bytes: Buffer) => withFlippedBit(bytes, position % (8 * bytes.length));
        const flippedText = (text = '') => flipped(Buffer.from(text)).toString('latin1');
        const { headers } = webhook;
        const changes = {
          body: { ...webhook, body: flipped(webhook.body) },
          'box-delivery-timestamp': withHeaders(webhook, {
            'box-delivery-timestamp': flippedText(TIMESTAMP),
          }),
          signatures: withHeaders(webhook, {
            'box-signature-primary': flippedText(headers['box-signature-primary']),
            'box-signature-secondary': flippedText(headers['box-signature-secondary']),
          }),
        };
        await refusalOf(() => verifyBoxWebhook({ ...changes[part], ...onTime }));
      },
    );
    await fc.assert(property, { numRuns: 300 });
  });

  it('is refused if the unused bits of its signature are changed', async () => {
    const webhook = withoutHeaders(signed(eventBody()), 'box-signature-secondary');
    const signature = webhook.headers['box-signature-primary'] ?? '';
    const last = signature.at(-2) ?? '';
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
    const twin = `${signature.slice(0, -2)}${alphabet[alphabet.indexOf(last) ^ 1]}=`;
    expect(Buffer.from(twin, 'base64')).toEqual(Buffer.from(signature, 'base64'));
    const changed = withHeaders(webhook, { 'box-signature-primary': twin });
    await refusalOf(() => verifyBoxWebhook({ ...changed, ...onTime }));
  });
});

function withFlippedBit(bytes: Buffer, bit: number): Buffer {
  const changed = Buffer.from(bytes);
  changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
  return changed;
}
