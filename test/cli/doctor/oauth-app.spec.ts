import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { BoxEmulator } from 'nestjs-box-auth/testing';
import { newFolder } from '../cli-fixture.js';
import { DoctorFixture, failedStep, stepOf, stepStatuses } from './doctor-fixture.js';

const REDIRECT_URI = 'https://app.example.com/box/callback';
const VAULT_SECRET = 'a secret of the vault, 0123456789abcdef';

let emulator: BoxEmulator;
let fixture: DoctorFixture;
beforeAll(async () => {
  emulator = await BoxEmulator.start();
  fixture = new DoctorFixture(emulator);
});
beforeEach(() => {
  emulator.heal();
  emulator.clearRequests();
  emulator.clockSkewMs = 0;
});
afterAll(() => emulator.stop());

const variables = (changes: Record<string, string | undefined> = {}) => {
  const { clientId, clientSecret } = emulator.oauthApp;
  return {
    BOX_OAUTH_CLIENT_ID: clientId,
    BOX_OAUTH_CLIENT_SECRET: clientSecret,
    BOX_OAUTH_REDIRECT_URI: REDIRECT_URI,
    BOX_OAUTH_VAULT_SECRET: VAULT_SECRET,
    ...changes,
  };
};

async function runWith(changes: Record<string, string | undefined> = {}, args: string[] = []) {
  const env = variables(changes);
  const ran = await fixture.run(args, { env });
  for (const secret of [env.BOX_OAUTH_CLIENT_SECRET, env.BOX_OAUTH_VAULT_SECRET]) {
    if (secret !== undefined && secret.length > 20) expect(ran.stdout).not.toContain(secret);
  }
  return ran;
}

const ALONE = [
  'configuration ok',
  'fields skipped',
  'key skipped',
  'passphrase skipped',
  'clock ok',
  'assertion skipped',
  'exchange skipped',
  'account skipped',
  'as-user skipped',
];

describe('doctor with an OAuth app in the environment', () => {
  it('checks its variables, and whether Box accepts the client', async () => {
    const ran = await runWith();
    expect(stepStatuses(ran)).toEqual([...ALONE, 'oauth ok', 'oauth-client ok']);
    expect(ran.exitCode).toBe(0);
    expect(stepOf(ran, 'oauth').facts).toEqual({
      variables: Object.keys(variables()),
      clientId: `${emulator.oauthApp.clientId.slice(0, 4)}… (32 characters)`,
      redirectUri: REDIRECT_URI,
      warnings: [],
    });
    expect(stepOf(ran, 'oauth-client').facts).toEqual({ accepted: true });
    expect(ran.text).toContain('Not checked, because only Box knows it: whether this redirect URI');
  });

  it('sends one refresh with an invalid token, which ends no connection', async () => {
    await runWith();
    const [first, ...others] = emulator.tokenRequests.map(({ body }) => body);
    expect(first).toMatchObject({
      grant_type: 'refresh_token',
      refresh_token: 'nestjs-box-auth-doctor',
    });
    expect(others).toHaveLength(1); // the run with --json
  });

  it('checks it after the credentials of the app', async () => {
    const ran = await runWith(fixture.clientVariables);
    expect(stepStatuses(ran).slice(-5)).toEqual([
      'exchange ok',
      'account ok',
      'as-user skipped',
      'oauth ok',
      'oauth-client ok',
    ]);
    const failing = await runWith({
      ...fixture.clientVariables,
      BOX_CLIENT_SECRET: 'x'.repeat(32),
    });
    expect(failedStep(failing).step).toBe('exchange');
    expect(stepStatuses(failing).slice(-2)).toEqual([
      'oauth not-reached',
      'oauth-client not-reached',
    ]);
  });

  it('reads it from a .env file, and sends nothing with --offline', async () => {
    const file = join(newFolder(), '.env');
    writeFileSync(
      file,
      Object.entries(variables())
        .map(([name, value]) => `${name}=${value}\n`)
        .join(''),
    );
    const ran = await fixture.run(['--dotenv', file, '--offline']);
    expect(stepStatuses(ran).slice(-2)).toEqual(['oauth ok', 'oauth-client skipped']);
    expect(stepOf(ran, 'clock').status).toBe('skipped');
    expect(emulator.requests).toEqual([]);
  });

  it('accepts quotes around values and spaces after them, as the app does', async () => {
    const ran = await runWith({
      BOX_OAUTH_CLIENT_ID: `"${emulator.oauthApp.clientId}"`,
      BOX_OAUTH_REDIRECT_URI: `'${REDIRECT_URI}' `,
    });
    expect(stepStatuses(ran).slice(-2)).toEqual(['oauth ok', 'oauth-client ok']);
  });

  it('has no step for it without its variables', async () => {
    const ran = await fixture.run([], { env: fixture.clientVariables });
    expect(stepStatuses(ran).at(-1)).toBe('as-user skipped');
  });

  it('warns about the clock', async () => {
    emulator.clockSkewMs = 300_000;
    expect(stepOf(await runWith(), 'clock').status).toBe('warning');
  });
});

describe('doctor refuses an OAuth app', () => {
  it.each([
    [{ BOX_OAUTH_CLIENT_SECRET: undefined }, 'BOX_OAUTH_CLIENT_SECRET is missing'],
    [
      { BOX_OAUTH_CLIENT_ID: '', BOX_OAUTH_REDIRECT_URI: undefined },
      'BOX_OAUTH_CLIENT_ID and BOX_OAUTH_REDIRECT_URI are missing',
    ],
    [{ BOX_OAUTH_CLIENT_ID: 'abcd"efgh' }, 'BOX_OAUTH_CLIENT_ID has quotes'],
    [
      { BOX_OAUTH_CLIENT_SECRET: 'a secret with spaces in it' },
      'BOX_OAUTH_CLIENT_SECRET has quotes',
    ],
    [{ BOX_OAUTH_CLIENT_ID: 'same', BOX_OAUTH_CLIENT_SECRET: 'same' }, 'have the same value'],
    [{ BOX_OAUTH_REDIRECT_URI: '/box/callback' }, 'an absolute URL'],
    [
      { BOX_OAUTH_REDIRECT_URI: 'https://app.example.com/box/ callback' },
      'an absolute URL without quotes',
    ],
    [{ BOX_OAUTH_REDIRECT_URI: 'http://app.example.com/box/callback' }, 'an https URL'],
    [{ BOX_OAUTH_REDIRECT_URI: 'javascript:alert(1)' }, 'an https URL'],
    [{ BOX_OAUTH_REDIRECT_URI: 'https://me:pw@app.example.com/box/callback' }, 'without a user'],
    [{ BOX_OAUTH_REDIRECT_URI: `${REDIRECT_URI}#` }, 'without a fragment'],
    [{ BOX_OAUTH_REDIRECT_URI: `${REDIRECT_URI}#top` }, 'without a fragment'],
    [{ BOX_OAUTH_VAULT_SECRET: 'x'.repeat(31) }, 'at least 32 characters'],
  ])('with %j', async (changes, message) => {
    const ran = await runWith(changes);
    expect(failedStep(ran)).toMatchObject({ step: 'oauth', problem: { code: 'option_invalid' } });
    expect(failedStep(ran).summary).toContain(message);
    expect(ran.exitCode).toBe(1);
    expect(emulator.tokenRequests).toEqual([]);
  });

  it('whose vault secret is its client secret', async () => {
    const ran = await runWith({ BOX_OAUTH_VAULT_SECRET: emulator.oauthApp.clientSecret });
    expect(failedStep(ran).summary).toContain('BOX_OAUTH_VAULT_SECRET is the client secret');
  });

  it.each(['BOX_OAUTH_CLIENT_ID', 'BOX_OAUTH_CLIENT_SECRET'])(
    'if Box does not accept its %s',
    async (name) => {
      const ran = await runWith({ [name]: 'abcdefghijklmnopqrstuvwxyz012345' });
      expect(failedStep(ran)).toMatchObject({
        step: 'oauth-client',
        problem: { code: 'client_invalid' },
      });
    },
  );

  it('if Box is not available, with one attempt', async () => {
    emulator.always('token', { kind: 'unavailable' });
    expect(failedStep(await runWith())).toMatchObject({
      step: 'oauth-client',
      problem: { code: 'unavailable', retryable: true },
    });
    expect(emulator.tokenRequests).toHaveLength(2); // one of each run
  });

  it('for an invalid address of Box', async () => {
    const ran = await runWith({ BOX_API_URL: 'api.box.com' });
    expect(failedStep(ran)).toMatchObject({ step: 'configuration' });
  });
});

describe('doctor warns about an OAuth app', () => {
  it.each([
    [{ BOX_OAUTH_REDIRECT_URI: `${REDIRECT_URI}/` }, 'ends with a slash'],
    [{ BOX_OAUTH_REDIRECT_URI: `${REDIRECT_URI}?a=b` }, 'has a query'],
    [{ BOX_OAUTH_REDIRECT_URI: 'https://APP.example.com:443/box/callback' }, 'normal form'],
    [{ BOX_OAUTH_REDIRECT_URI: 'https://app.example.com/login' }, 'routes.callback'],
    [{ BOX_OAUTH_VAULT_SECRET: undefined }, 'BOX_OAUTH_VAULT_SECRET is missing'],
  ])('with %j', async (changes, warning) => {
    const ran = await runWith(changes);
    expect(stepOf(ran, 'oauth').status).toBe('warning');
    expect(stepOf(ran, 'oauth').facts.warnings).toEqual([expect.stringContaining(warning)]);
    expect(ran.exitCode).toBe(0);
  });

  it.each(['http://localhost:3000/box/callback', 'http://127.0.0.1/api/box/callback'])(
    'but not with the redirect URI %s',
    async (uri) => {
      const ran = await runWith({ BOX_OAUTH_REDIRECT_URI: uri });
      expect(stepOf(ran, 'oauth').status).toBe('ok');
    },
  );
});
