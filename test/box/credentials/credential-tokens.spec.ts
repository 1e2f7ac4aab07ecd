import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { parseCredentials } from '../../../lib/box/credentials/parse-credentials.js';
import { boxVariableNames, boxCredentialsIn } from '../../../lib/box/box.environment.js';
import { thrownBy } from '../../support/thrown.js';

const TOKEN = 'sEcReT-tOkEn-0123456789';
const parsed = (form: object) => parseCredentials(form);

describe('Credentials that are a token', () => {
  it.each([
    ['a developer token', { developerToken: TOKEN }, 'developer token', undefined],
    ['an app token', { appToken: TOKEN }, 'app token', undefined],
    ['an access token', { accessToken: TOKEN }, 'access token', undefined],
    [
      'an access token with its expiry',
      { accessToken: TOKEN, expiresAt: 1_772_366_400_000 },
      'access token',
      1_772_366_400_000,
    ],
    ['a token with white space around it', { appToken: ` ${TOKEN}\n` }, 'app token', undefined],
  ])('are parsed as %s', (_, form, name, expiresAt) => {
    const credentials = parsed(form);
    expect(credentials).toMatchObject({
      kind: 'static-token',
      subject: { type: 'user', id: 'me' },
      staticToken: { name, expiresAt },
    });
    expect(credentials.staticToken?.value.reveal()).toBe(TOKEN);
    expect(inspect(credentials, { depth: 9 }) + JSON.stringify(credentials)).not.toContain(TOKEN);
  });

  describe.each(['developerToken', 'appToken', 'accessToken'])('%s', (field) => {
    it.each([
      ['an inner newline', `${TOKEN}\n${TOKEN}`],
      ['an inner space', `Bearer ${TOKEN}`],
      ['a NUL', `${TOKEN}\0`],
      ['a letter that no header can carry', `${TOKEN}é`],
      ['more than 8 KiB', TOKEN.repeat(400)],
      ['nothing in it', '  '],
      ['another type', 12345],
      ['null', null],
    ])('is rejected and not shown with %s', async (_, value) => {
      const error = await thrownBy(() => parsed({ [field]: value }));
      expect(error.code).toBe('config_invalid');
      expect(error.message).toContain(`${field}: expected a`);
      expect(inspect(error, { depth: 9 })).not.toContain(TOKEN);
    });
  });

  it.each([
    ['seconds', 1_772_366_400, /expected milliseconds.*for seconds, multiply by 1000/],
    ['a Date', new Date(), /expected milliseconds.*a number, received an object/],
    ['text', '2026-03-01', /expected milliseconds.*received a string/],
    ['no date', NaN, /expected milliseconds/],
    ['a date beyond all dates', 8.65e15, /expected milliseconds/],
    ['never', Infinity, /expected milliseconds/],
  ])('are rejected with %s as expiresAt', async (_, expiresAt, message) => {
    const error = await thrownBy(() => parsed({ accessToken: TOKEN, expiresAt }));
    expect(error.code).toBe('config_invalid');
    expect(error.message).toMatch(message);
  });

  it("are rejected with the names of the fields if they are a gateway's unchanged response", async () => {
    const answer = { access_token: TOKEN, expires_in: 3600, token_type: 'bearer' };
    const error = await thrownBy(() => parsed(answer));
    expect(error.message).toContain('accessToken: expected an access token');
    expect(error.message).toContain('check the spelling of "access_token"');
    expect(error.message).toContain('accessToken can be combined with expiresAt only');
  });

  it('are listed in the error for credentials of no known form', async () => {
    const error = await thrownBy(() => parseCredentials('what'));
    expect(error.message).toContain('developerToken, appToken, accessToken');
  });
});

describe('BOX_APP_TOKEN', () => {
  const BOX_APP_TOKEN = TOKEN;

  it('is used if no other variable of Box is set', () => {
    expect(boxCredentialsIn({ BOX_APP_TOKEN, BOX_CLIENT_ID: ' ' })).toEqual({ appToken: TOKEN });
  });

  it.each([
    ['BOX_CONFIG_FILE', { BOX_CONFIG_FILE: 'config.json' }, { configFile: 'config.json' }],
    ['BOX_CONFIG', { BOX_CONFIG: '{}' }, { config: '{}' }],
    [
      'BOX_CLIENT_ID',
      { BOX_CLIENT_ID: 'id', BOX_CLIENT_SECRET: 'secret', BOX_ENTERPRISE_ID: '1' },
      { clientId: 'id', clientSecret: 'secret', enterpriseId: '1' },
    ],
  ])('has a lower priority than %s', (_, others, expected) => {
    expect(boxCredentialsIn({ BOX_APP_TOKEN, ...others })).toEqual(expected);
  });

  it('does not hide incomplete credentials of a client', async () => {
    const error = await thrownBy(() => boxCredentialsIn({ BOX_APP_TOKEN, BOX_CLIENT_ID: 'id' }));
    expect(error.code).toBe('config_missing');
    expect(error.message).toContain('BOX_CLIENT_SECRET');
  });

  it('is named in errors', async () => {
    const credentials = boxCredentialsIn({ BOX_APP_TOKEN: `${TOKEN} ${TOKEN}` });
    const error = await thrownBy(() => parseCredentials(credentials, boxVariableNames));
    expect(error.message).toContain('BOX_APP_TOKEN: expected an app token');
    expect(error.message).not.toContain(TOKEN);
    expect((await thrownBy(() => boxCredentialsIn({}))).message).toContain('BOX_APP_TOKEN');
  });
});
