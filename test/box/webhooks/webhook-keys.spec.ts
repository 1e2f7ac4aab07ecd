import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { type BoxWebhookVerification, verifyBoxWebhook } from 'nestjs-box-auth/webhooks';
import { createVerifier } from '../../../lib/box/webhooks/box-webhooks.options.js';
import { FakeRuntime, settled } from '../../support/fake-runtime.js';
import { thrownBy } from '../../support/thrown.js';
import { eventBody, SENT_AT, signed } from './signed-webhook.js';

const runtime = new FakeRuntime(SENT_AT);
const signedWith = (primary: string, secondary = 'unknown') =>
  signed(eventBody(), { primary, secondary });
const verifying = (options: BoxWebhookVerification, webhook = signedWith('key')) =>
  verifyBoxWebhook({ ...webhook, ...options, runtime });

async function codeOf(work: () => unknown): Promise<string> {
  return (await thrownBy(work)).code;
}

describe('The keys of webhooks', () => {
  it('may be lists', async () => {
    const options = { primaryKey: ['new', 'old'], secondaryKey: ['other'] };
    await expect(verifying(options, signedWith('new'))).resolves.toBeDefined();
    await expect(verifying(options, signedWith('old'))).resolves.toBeDefined();
    await expect(verifying(options, signedWith('unknown', 'other'))).resolves.toBeDefined();
    expect(await codeOf(() => verifying(options, signedWith('other', 'old')))).toBe(
      'webhook_invalid',
    );
  });

  it('may be functions, whose result changes without a restart', async () => {
    let current: string | string[] = 'first';
    const verifier = createVerifier({ primaryKey: async () => current, runtime });
    await expect(verifier.verify(signedWith('first'))).resolves.toBeDefined();
    current = ['second', 'third'];
    expect(await codeOf(() => verifier.verify(signedWith('first')))).toBe('webhook_invalid');
    await expect(verifier.verify(signedWith('third'))).resolves.toBeDefined();
  });

  it.each([
    ['nothing', {}],
    ['empty strings', { primaryKey: '', secondaryKey: ' ' }],
    ['empty lists', { primaryKey: [], secondaryKey: [''] }],
    ['null', { primaryKey: null }],
    ['functions that return none', { primaryKey: () => '', secondaryKey: async () => undefined }],
  ])('must not be missing: %s', async (_, options) => {
    const error = await thrownBy(() => verifying(options));
    expect(error).toMatchObject({ code: 'option_invalid' });
    expect(error.hint).toContain('BOX_WEBHOOK_PRIMARY_KEY');
  });

  it('never verify a signature with an empty key', async () => {
    for (const primaryKey of ['', [''], () => '', () => ['']]) {
      const options = { primaryKey, secondaryKey: 'key' };
      expect(await codeOf(() => verifying(options, signedWith('')))).toBe('webhook_invalid');
    }
  });

  it.each([
    ['a number', { primaryKey: 5 }, '`primaryKey`'],
    ['a list with a number', { secondaryKey: ['key', 5] }, '`secondaryKey`'],
    ['a function that returns a number', { primaryKey: () => 5 }, '`primaryKey()`'],
  ])('must be strings: %s', async (_, options, name) => {
    const error = await thrownBy(() => verifying(options as never));
    expect(error).toMatchObject({ code: 'option_invalid' });
    expect(error.message).toContain(name);
  });

  it('are unavailable if their function fails, and the next webhook calls it again', async () => {
    let isDown = true;
    const primaryKey = () => {
      if (isDown) throw new Error('vault: password=Sup3rS3cret');
      return 'key';
    };
    const verifier = createVerifier({ primaryKey, runtime });
    const error = await thrownBy(() => verifier.verify(signedWith('key')));
    expect(error).toMatchObject({ code: 'credentials_unavailable', retryable: true });
    expect(inspect(error)).not.toContain('Sup3rS3cret');
    isDown = false;
    await expect(verifier.verify(signedWith('key'))).resolves.toBeDefined();
  });

  it('are unavailable if their function takes longer than 10 s', async () => {
    const endless = () => new Promise<string>(() => undefined);
    const work = verifying({ secondaryKey: endless });
    const code = codeOf(() => work);
    await settled();
    await runtime.advance(10_000);
    expect(await code).toBe('credentials_unavailable');
    expect(runtime.timers).toBe(0);
  });

  it('are not shown by a verifier', () => {
    const verifier = createVerifier({ primaryKey: 'Sup3rS3cret', secondaryKey: ['0therS3cret'] });
    const shown = `${inspect(verifier, { depth: 9, showHidden: true })} ${JSON.stringify(verifier)}`;
    expect(shown).not.toMatch(/Sup3rS3cret|0therS3cret/);
  });
});

describe('The options of webhooks', () => {
  it.each([
    ['an unknown one', { primarykey: 'key' }, 'Did you mean `primaryKey`?'],
    ['a negative age', { maxAgeMs: -1 }, '`maxAgeMs`'],
    ['an age as a string', { maxAgeMs: '600000' }, '`maxAgeMs`'],
    ['a skew with a fraction', { skewMs: 0.5 }, '`skewMs`'],
    ['half a runtime', { runtime: { now: () => 0 } }, '`runtime`'],
  ])('are checked: %s', async (_, options, text) => {
    const all = { primaryKey: 'key', ...options } as BoxWebhookVerification;
    const error = await thrownBy(() => verifyBoxWebhook({ ...signedWith('key'), ...all }));
    expect(error).toMatchObject({ code: 'option_invalid' });
    expect(`${error.message} ${error.hint}`).toContain(text);
  });

  it('must be an object, with headers', async () => {
    expect(await codeOf(() => verifyBoxWebhook(undefined as never))).toBe('option_invalid');
    const { body } = signedWith('key');
    expect(await codeOf(() => verifyBoxWebhook({ body, primaryKey: 'key' } as never))).toBe(
      'option_invalid',
    );
  });
});
