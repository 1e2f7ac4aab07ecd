import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { BoxAuthError } from 'nestjs-box-auth';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  ALICE,
  ann,
  BOB,
  ConnectedBox,
  DAY_MS,
  outcome,
  REDIRECT_URI,
  whoAmI,
} from '../../support/box-connections.js';

let box: ConnectedBox;
beforeEach(async () => {
  box = await ConnectedBox.start();
});
afterEach(() => box.stop());

describe('authorizationUrl', () => {
  it('leads to Box with a state and an S256 challenge that differ each time', async () => {
    const urls = await Promise.all([1, 2].map(() => box.connections.authorizationUrl(ann)));
    const [first, second] = urls.map((url) => new URL(url));
    expect(first?.origin + (first?.pathname ?? '')).toBe(box.emulator.oauthApp.authorizeUrl);
    expect(Object.fromEntries(first?.searchParams ?? [])).toEqual({
      response_type: 'code',
      client_id: box.emulator.oauthApp.clientId,
      redirect_uri: REDIRECT_URI,
      state: expect.stringMatching(/^[\w-]{43}$/),
      code_challenge: expect.stringMatching(/^[\w-]{43}$/),
      code_challenge_method: 'S256',
    });
    for (const name of ['state', 'code_challenge']) {
      expect(first?.searchParams.get(name)).not.toBe(second?.searchParams.get(name));
    }
  });

  it('passes on the account to preselect and the scopes', async () => {
    const url = await box.connections.authorizationUrl({
      ...ann,
      loginHint: 'ann@example.com',
      scopes: ['root_readonly', 'item_preview'],
    });
    const { searchParams } = new URL(url);
    expect(searchParams.get('box_login')).toBe('ann@example.com');
    expect(searchParams.get('scope')).toBe('root_readonly item_preview');
  });

  it('leads to account.box.com for the real Box, and to another address of the option', async () => {
    const addressOf = async (authorizeUrl?: string) => {
      const apiUrl = 'https://api.box.com';
      const url = await box.open({ apiUrl, authorizeUrl }).authorizationUrl(ann);
      return url.slice(0, url.indexOf('?'));
    };
    expect(await addressOf()).toBe('https://account.box.com/api/oauth2/authorize');
    const ent = 'https://ent.box.com/api/oauth2/authorize';
    expect(await addressOf(ent)).toBe(ent);
  });

  it.each([
    [{ owner: '' }, 'owner_invalid'],
    [{ owner: undefined }, 'owner_invalid'],
    [{ owner: 7 }, 'owner_invalid'],
    [{ owner: 'a'.repeat(256) }, 'owner_invalid'],
    [{ owner: 'an\0n' }, 'owner_invalid'],
    [{ owner: '\ud800' }, 'owner_invalid'],
    [{ label: 'a'.repeat(256) }, 'option_invalid'],
    [{ label: 1 }, 'option_invalid'],
    [{ binding: '' }, 'option_invalid'],
    [{ binding: undefined }, 'option_invalid'],
    [{ loginHint: 1 }, 'option_invalid'],
    [{ scopes: [] }, 'option_invalid'],
    [{ scopes: ['two words'] }, 'option_invalid'],
    [{ scopes: 'root_readonly' }, 'option_invalid'],
  ])('refuses %j with %s', async (change, code) => {
    const request = { ...ann, ...change } as typeof ann;
    expect(await outcome(box.connections.authorizationUrl(request))).toBe(code);
  });

  it('accepts owners with 255 characters of any kind', async () => {
    const owner = '😀'.repeat(127) + 'x';
    await box.connect({ ...ann, owner });
    expect(await whoAmI(box.connections, owner)).toBe(ALICE);
  });

  it.each([
    'files',
    '',
    '//evil.example',
    '/\\evil.example',
    '\\/evil.example',
    '/\t/evil.example',
    '/\n/evil.example',
    'https://evil.example/',
    'javascript:alert(1)',
    '/\0',
    `/${'a'.repeat(2048)}`,
  ])('refuses to return to %j', async (returnTo) => {
    const request = { ...ann, returnTo };
    expect(await outcome(box.connections.authorizationUrl(request))).toBe('return_to_invalid');
  });

  it('never accepts a path that a browser takes for another site', async () => {
    const pieces = fc.constantFrom(
      '/',
      '\\',
      '.',
      '..',
      ':',
      '@',
      '?',
      '#',
      '\t',
      '\r',
      'evil.example',
      '%2f',
      '%5c',
      ' ',
    );
    await fc.assert(
      fc.asyncProperty(fc.array(pieces, { maxLength: 6 }), async (parts) => {
        const returnTo = parts.join('');
        if ((await outcome(box.connections.authorizationUrl({ ...ann, returnTo }))) !== 'resolved')
          return;
        expect(new URL(returnTo, 'https://app.example.com/box/callback').host).toBe(
          'app.example.com',
        );
      }),
      { numRuns: 500 },
    );
  });
});

describe('complete', () => {
  it('connects the account, and returns where to go on', async () => {
    const url = await box.connections.authorizationUrl({
      ...ann,
      returnTo: '/files?sort=name#top',
    });
    const query = box.emulator.consent(url, { userId: ALICE });
    const { connection, returnTo } = await box.connections.complete({ ...ann, query });
    expect(returnTo).toBe('/files?sort=name#top');
    const now = box.runtime.now();
    expect(connection).toEqual({
      owner: 'ann',
      label: '',
      user: {
        id: ALICE,
        login: 'alice@example.com',
        name: 'Alice',
        enterprise: box.emulator.config.enterpriseID,
      },
      status: 'active',
      connectedAt: now,
      refreshedAt: now,
      expiresAt: now + 60 * DAY_MS,
    });
    expect(await box.connections.get('ann')).toEqual(connection);
    expect(await whoAmI(box.connections)).toBe(ALICE);
  });

  it('takes the query as a string, as URLSearchParams and as a record', async () => {
    const forms: ((url: URL) => string | URLSearchParams | Record<string, unknown>)[] = [
      (url) => url.href,
      (url) => url.search,
      (url) => url.search.slice(1),
      (url) => url.searchParams,
      (url) => Object.fromEntries(url.searchParams),
    ];
    for (const form of forms) {
      const url = new URL(await box.consent());
      expect(await outcome(box.connections.complete({ ...ann, query: form(url) }))).toBe(
        'resolved',
      );
    }
  });

  it('sends the verifier of the challenge', async () => {
    const url = new URL(await box.connections.authorizationUrl(ann));
    url.searchParams.set(
      'code_challenge',
      createHash('sha256').update('another').digest('base64url'),
    );
    const query = box.emulator.consent(url, { userId: ALICE });
    expect(await outcome(box.connections.complete({ ...ann, query }))).toBe('state_expired');
  });

  it.each<[string, Partial<typeof ann>, string]>([
    ['another browser', { binding: 'the session of eve' }, 'state_invalid'],
    ['another person in the same browser', { owner: 'eve' }, 'state_invalid'],
    ['a browser without a session', { binding: '' }, 'option_invalid'],
    ['nobody', { owner: '' }, 'owner_invalid'],
  ])('refuses a callback of %s', async (_, change, code) => {
    const query = await box.consent();
    expect(await outcome(box.connections.complete({ ...ann, ...change, query }))).toBe(code);
    expect(await box.connections.get('ann')).toBeUndefined();
    expect(await box.connections.get('eve')).toBeUndefined();
  });

  it('does not connect the account of an attacker to a person who was sent a link', async () => {
    // The attacker begins, consents with an own account, and sends the callback to ann.
    const eve = { owner: 'eve', binding: 'the session of eve' };
    const query = await box.consent(eve, BOB);
    expect(await outcome(box.connections.complete({ ...ann, query }))).toBe('state_invalid');
    expect(await box.connections.get('ann')).toBeUndefined();
  });

  it('works once, also in two processes at the same time', async () => {
    const query = await box.consent();
    const others = [box.connections, box.open(), box.open()];
    const outcomes = await Promise.all(
      others.map((each) => outcome(each.complete({ ...ann, query }))),
    );
    expect(outcomes.filter((each) => each === 'resolved')).toHaveLength(1);
    expect(outcomes.filter((each) => each === 'state_used')).toHaveLength(2);
  });

  it('must happen within ten minutes', async () => {
    const early = await box.consent();
    box.runtime.freeze(599_999);
    // The code of Box is older than 30 s by now.
    expect(await outcome(box.connections.complete({ ...ann, query: early }))).toBe('state_expired');
    const url = await box.connections.authorizationUrl(ann);
    box.runtime.freeze(599_999);
    const inTime = box.emulator.consent(url, { userId: ALICE });
    expect(await outcome(box.connections.complete({ ...ann, query: inTime }))).toBe('resolved');
    const late = await box.connections.authorizationUrl(ann);
    box.runtime.freeze(600_000);
    const query = box.emulator.consent(late, { userId: ALICE });
    expect(await outcome(box.connections.complete({ ...ann, query }))).toBe('state_expired');
  });

  it.each([
    ['', 'state_invalid'],
    ['code=1', 'state_invalid'],
    ['code=1&state=', 'state_invalid'],
    ['code=1&state=short', 'state_invalid'],
    [`code=1&state=${'A'.repeat(43)}`, 'state_invalid'],
    [`error=access_denied&state=${'A'.repeat(43)}`, 'state_invalid'],
    ['error=access_denied', 'state_invalid'],
  ])('refuses the query %j with %s', async (query, code) => {
    expect(await outcome(box.connections.complete({ ...ann, query }))).toBe(code);
  });

  it('refuses a repeated parameter, and a query that is no query', async () => {
    const url = await box.consent();
    const queries: unknown[] = [
      `${url}&code=other`,
      { state: ['a', 'b'], code: 'c' },
      undefined,
      null,
      7,
    ];
    for (const query of queries) {
      const complete = box.connections.complete({ ...ann, query: query as string });
      expect(await outcome(complete)).toBe('state_invalid');
    }
  });

  it('reports that the person did not consent, and uses the state up', async () => {
    const query = box.emulator.deny(await box.connections.authorizationUrl(ann));
    expect(await outcome(box.connections.complete({ ...ann, query }))).toBe('consent_denied');
    expect(await outcome(box.connections.complete({ ...ann, query }))).toBe('state_used');
  });

  it.each([
    ['invalid_scope', 'request_refused', false],
    ['server_error', 'unavailable', true],
    ['temporarily_unavailable', 'unavailable', true],
  ])('reports the error %s of Box as %s', async (reported, code, retryable) => {
    const { searchParams } = new URL(await box.connections.authorizationUrl(ann));
    const state = searchParams.get('state');
    const query = { state, error: reported, error_description: 'why\n\u001b[31m' };
    const failure = await box.connections
      .complete({ ...ann, query })
      .catch((thrown: unknown) => thrown);
    expect(failure).toBeInstanceOf(BoxAuthError);
    expect(failure).toMatchObject({
      code,
      retryable,
      message: expect.stringContaining(`${reported}: why`),
    });
    expect(String(failure)).not.toContain('\u001b');
  });

  it('replaces an earlier connection of the same owner and label, of any account', async () => {
    await box.connect();
    expect(await whoAmI(box.connections)).toBe(ALICE);
    await box.connect(ann, BOB);
    expect(await whoAmI(box.connections)).toBe(BOB);
    expect((await box.connections.list()).connections).toHaveLength(1);
  });

  it('keeps the connections of labels and owners apart', async () => {
    await box.connect();
    await box.connect({ ...ann, label: 'work' }, BOB);
    await box.connect({ owner: 'Ann', binding: 'another' }, BOB);
    expect(await whoAmI(box.connections)).toBe(ALICE);
    expect(await whoAmI(box.connections, 'ann', 'work')).toBe(BOB);
    expect(await whoAmI(box.connections, 'Ann')).toBe(BOB);
  });

  it('replaces a connection that cannot be decrypted any more', async () => {
    await box.connect();
    const other = box.open({ secret: 'another secret of the vault 0123456789' });
    expect(await outcome(other.getToken('ann'))).toBe('vault_unreadable');
    const url = await other.authorizationUrl(ann);
    await other.complete({ ...ann, query: box.emulator.consent(url, { userId: ALICE }) });
    expect(await whoAmI(other)).toBe(ALICE);
  });

  it('writes again while the vault is unavailable, because the code is used up', async () => {
    const query = await box.consent();
    const insert = box.vault.insert.bind(box.vault);
    let failures = 3;
    box.vault.insert = (row) => (failures-- > 0 ? Promise.reject(new Error('away')) : insert(row));
    const completed = outcome(box.connections.complete({ ...ann, query }));
    expect(await box.advanceUntil(completed)).toBe('resolved');
    expect(await whoAmI(box.connections)).toBe(ALICE);
  });

  it('fails if the vault stays unavailable', async () => {
    const query = await box.consent();
    box.vault.insert = () => Promise.reject(new Error('away'));
    const completed = outcome(box.connections.complete({ ...ann, query }));
    expect(await box.advanceUntil(completed)).toBe('vault_unavailable');
  });

  it('asks Box again who consented if that fails', async () => {
    box.emulator.failNext('api', { kind: 'unavailable' }, 2);
    const completed = outcome(box.connections.complete({ ...ann, query: await box.consent() }));
    expect(await box.advanceUntil(completed)).toBe('resolved');
  });

  it('reports a wrong client secret to the operator', async () => {
    const url = await box.connections.authorizationUrl(ann);
    const query = box.emulator.consent(url, { userId: ALICE });
    const other = box.open({ clientSecret: 'wrong' });
    expect(await outcome(other.complete({ ...ann, query }))).toBe('client_invalid');
  });

  it('shows neither the code, the verifier nor the secret in its errors', async () => {
    const { searchParams } = new URL(await box.consent());
    const code = searchParams.get('code') ?? '';
    box.emulator.failNext('token', { kind: 'unavailable' }, 10);
    const failing = box.connections
      .complete({ ...ann, query: searchParams })
      .catch((thrown: unknown) => thrown);
    const error = await box.advanceUntil(failing);
    expect(error).toMatchObject({ code: 'unavailable' });
    const shown = JSON.stringify(error, Object.getOwnPropertyNames(error)) + String(error);
    expect(shown).not.toContain(code);
    expect(shown).not.toContain(box.emulator.oauthApp.clientSecret);
  });
});
