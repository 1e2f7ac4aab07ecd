import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { BoxEmulator, type Fault } from 'nestjs-box-auth/testing';
import { type KeyForm, makeKeys, PASSPHRASE } from '../../support/keys.js';
import { DoctorFixture, failedStep, stepOf } from './doctor-fixture.js';
import { newFolder } from '../cli-fixture.js';

const keys = makeKeys();

let emulator: BoxEmulator;
let fixture: DoctorFixture;
beforeAll(async () => {
  emulator = await BoxEmulator.start();
  emulator.registerPublicKey('openssl1', keys.publicKey);
  emulator.registerPublicKey('another1', keys.publicKey);
  fixture = new DoctorFixture(emulator);
  for (const pem of Object.values(keys.forms)) fixture.addSecrets(pem);
  fixture.addSecrets(JSON.stringify({ passphrase: PASSPHRASE }));
});
beforeEach(() => {
  emulator.heal();
  emulator.clearRequests();
  emulator.authorized = true;
  emulator.asUserEnabled = true;
  emulator.userTokensEnabled = true;
});
afterAll(() => emulator.stop());

const withKey = (privateKey: string, passphrase = PASSPHRASE) =>
  fixture.file(fixture.config({ appAuth: { publicKeyID: 'openssl1', privateKey, passphrase } }));

/** The facts of a key in each form: format, cipher, derivation and iterations. */
const OPENS: Partial<Record<KeyForm, object>> = {
  'PKCS#8 PBES2 3DES, as the console makes it': {
    format: 'PKCS#8',
    encrypted: true,
    cipher: 'des-ede3-cbc',
    kdf: 'PBKDF2',
    iterations: 2048,
  },
  'PKCS#8 PBES2 AES': {
    format: 'PKCS#8',
    encrypted: true,
    cipher: 'aes-256-cbc',
    kdf: 'PBKDF2',
    iterations: 2048,
  },
  'PKCS#8 PBES1 SHA1-3DES': {
    format: 'PKCS#8',
    encrypted: true,
    cipher: 'des-ede3-cbc',
    kdf: 'PKCS#12 with SHA-1',
    iterations: 2048,
  },
  'PKCS#8 scrypt': {
    format: 'PKCS#8',
    encrypted: true,
    cipher: 'aes-256-cbc',
    kdf: 'scrypt',
    iterations: 16_384,
  },
  'traditional des3': {
    format: 'PKCS#1',
    encrypted: true,
    cipher: 'des-ede3-cbc',
    kdf: 'MD5',
    iterations: 1,
  },
  'traditional aes256': {
    format: 'PKCS#1',
    encrypted: true,
    cipher: 'aes-256-cbc',
    kdf: 'MD5',
    iterations: 1,
  },
  'plain PKCS#8': { format: 'PKCS#8', encrypted: false },
  'plain PKCS#1': { format: 'PKCS#1', encrypted: false },
};

const OPENS_NO_MORE: Partial<Record<KeyForm, object>> = {
  'PBES2 DES': { cipher: 'des-cbc', kdf: 'PBKDF2' },
  'PBES1 MD5-DES': { cipher: 'des-cbc', kdf: 'PBKDF1 with MD5' },
  'PBES1 SHA1-RC2-40': { cipher: 'rc2-40-cbc', kdf: 'PKCS#12 with SHA-1' },
  'traditional DES': { format: 'PKCS#1', cipher: 'des-cbc' },
};

describe('doctor with keys of openssl', () => {
  it('covers every key format of the fixture', () => {
    expect(Object.keys({ ...OPENS, ...OPENS_NO_MORE })).toEqual(Object.keys(keys.forms));
  });

  it.each(Object.entries(OPENS))('opens and describes a key in %s', async (form, facts) => {
    const doctorRun = await fixture.run([withKey(keys.forms[form as KeyForm])]);
    expect(doctorRun.exitCode).toBe(0);
    expect(stepOf(doctorRun, 'key').facts).toEqual({
      ...facts,
      bits: 2048,
      thumbprint: expect.stringMatching(/^[\w-]{43}$/),
    });
    expect(doctorRun.text).toContain('RSA, 2048 bits');
    const source = form.startsWith('plain') ? 'none needed' : 'config.json';
    expect(stepOf(doctorRun, 'passphrase').facts).toEqual({ source });
  });

  it.each(Object.entries(OPENS_NO_MORE))(
    'explains how to convert a key in %s',
    async (form, facts) => {
      const doctorRun = await fixture.run([withKey(keys.forms[form as KeyForm])]);
      expect(failedStep(doctorRun)).toMatchObject({
        step: 'key',
        facts,
        problem: { code: 'key_cipher_unsupported' },
      });
      expect(doctorRun.text).toContain('openssl pkcs8 -topk8');
    },
  );

  it('opens a key whose newlines an environment variable has escaped', async () => {
    const pem = keys.forms['PKCS#8 PBES2 AES'].replaceAll('\n', String.raw`\n`);
    const env = {
      ...fixture.clientVariables,
      BOX_PUBLIC_KEY_ID: 'openssl1',
      BOX_PRIVATE_KEY: pem,
      BOX_PRIVATE_KEY_PASSPHRASE: PASSPHRASE,
    };
    const doctorRun = await fixture.run([], { env });
    expect(doctorRun.exitCode).toBe(0);
    expect(stepOf(doctorRun, 'key').facts).toMatchObject({ cipher: 'aes-256-cbc', bits: 2048 });
    expect(stepOf(doctorRun, 'passphrase').facts).toEqual({ source: 'variable' });
  });
});

const CONSOLE_KEY = keys.forms['PKCS#8 PBES2 3DES, as the console makes it'];

interface Case {
  readonly file: () => string;
  readonly step: string;
  readonly code: string;
  readonly expected: string | RegExp;
}

describe('doctor reports a problem in config.json', () => {
  it.each<[string, Case]>([
    [
      'no file',
      {
        file: () => `${newFolder()}/missing.json`,
        step: 'configuration',
        code: 'config_unreadable',
        expected: 'ENOENT',
      },
    ],
    [
      'a folder',
      { file: newFolder, step: 'configuration', code: 'config_unreadable', expected: 'EISDIR' },
    ],
    [
      'an empty file',
      {
        file: () => fixture.file(' \n'),
        step: 'configuration',
        code: 'config_invalid',
        expected: 'it is empty',
      },
    ],
    [
      'half a file',
      {
        file: () => fixture.file(JSON.stringify(fixture.config()).slice(0, 900)),
        step: 'configuration',
        code: 'config_invalid',
        expected: 'it is not JSON',
      },
    ],
    [
      'another file',
      {
        file: () => fixture.file({ name: 'something', version: '1.0.0' }),
        step: 'fields',
        code: 'config_invalid',
        expected: 'boxAppSettings: expected an object with clientID',
      },
    ],
    [
      'an empty object',
      {
        file: () => fixture.file('{}'),
        step: 'fields',
        code: 'config_invalid',
        expected: 'boxAppSettings: expected an object',
      },
    ],
    [
      'a field by another name',
      {
        file: () =>
          fixture.file(JSON.stringify(fixture.config()).replace('"clientID"', '"clientId"')),
        step: 'fields',
        code: 'config_invalid',
        expected: 'check the spelling of "clientId"',
      },
    ],
    [
      'the wrong passphrase',
      {
        file: () => withKey(CONSOLE_KEY, 'not-the-passphrase'),
        step: 'passphrase',
        code: 'key_passphrase_wrong',
        expected: 'boxAppSettings.appAuth.passphrase does not open',
      },
    ],
    [
      'no passphrase',
      {
        file: () => withKey(CONSOLE_KEY, ''),
        step: 'passphrase',
        code: 'key_passphrase_missing',
        expected: 'BOX_PRIVATE_KEY_PASSPHRASE',
      },
    ],
    [
      'a key that was cut',
      {
        file: () => withKey(CONSOLE_KEY.slice(0, 700)),
        step: 'key',
        code: 'key_truncated',
        expected: 'was cut',
      },
    ],
    [
      'a key that was changed',
      {
        file: () => withKey(keys.forms['plain PKCS#8'].replace(/\n.{64}\n/, '\n')),
        step: 'key',
        code: 'key_invalid',
        expected: 'Copy the whole key again',
      },
    ],
    [
      'no PEM at all',
      {
        file: () => withKey('abc'),
        step: 'key',
        code: 'key_invalid',
        expected: 'not a key in PEM',
      },
    ],
    [
      'the public key',
      {
        file: () => withKey(keys.publicKey),
        step: 'key',
        code: 'key_invalid',
        expected: 'not a private key',
      },
    ],
    [
      'a key of an elliptic curve',
      { file: () => withKey(keys.ec), step: 'key', code: 'key_unsuitable', expected: 'not RSA' },
    ],
    [
      'a small key',
      {
        file: () => withKey(keys.small),
        step: 'key',
        code: 'key_unsuitable',
        expected: '1024 bits',
      },
    ],
  ])('%s', async (_, { file, step, code, expected }) => {
    const doctorRun = await fixture.run([file()]);
    expect(doctorRun.exitCode).toBe(1);
    expect(failedStep(doctorRun)).toMatchObject({ step, problem: { code } });
    expect(doctorRun.text).toMatch(expected);
    expect(doctorRun.text).toMatch(/Fix: .+ Docs: https:\/\//);
    expect(emulator.requests).toEqual([]);
  });

  it('prints neither the client id nor the client secret if they are swapped', async () => {
    const { clientID, clientSecret } = emulator.config.boxAppSettings;
    const file = fixture.file(fixture.config({ clientID: clientSecret, clientSecret: clientID }));
    expect(failedStep(await fixture.run([file])).problem?.code).toBe('client_invalid');
  });

  it('does not print a passphrase that was entered as the key id', async () => {
    const { passphrase } = emulator.config.boxAppSettings.appAuth;
    const file = fixture.file(fixture.config({ appAuth: { publicKeyID: passphrase } }));
    const doctorRun = await fixture.run([file]);
    expect(failedStep(doctorRun).problem?.code).toBe('key_unknown');
    expect(stepOf(doctorRun, 'fields').facts.publicKeyId).toMatch(/^.{4}… \(32 characters\)$/);
  });
});

describe('doctor reports an error response of Box', () => {
  const refused = (error: string, errorDescription: string): Fault => ({
    kind: 'refuse',
    error,
    errorDescription,
  });

  /** The error responses that the emulator can produce: the setup, and the expected message. */
  it.each<[string, () => string, string, string | RegExp]>([
    [
      'an app that no admin has approved',
      () => {
        emulator.authorized = false;
        return fixture.file();
      },
      'app_not_authorized',
      /Platform Apps Manager/,
    ],
    [
      'a client secret that was reset',
      () => fixture.file(fixture.config({ clientSecret: 'a-reset-secret-of-some-length' })),
      'client_invalid',
      /Resetting the secret there invalidates the old one/,
    ],
    [
      'another enterprise',
      () => fixture.file(fixture.config({ enterpriseID: '1' })),
      'subject_refused',
      /enterprise that authorized the app/,
    ],
    [
      'a key that is not registered',
      () => fixture.file(fixture.config({ appAuth: { publicKeyID: 'unknown1' } })),
      'key_unknown',
      /Compare with the public keys in the developer console/,
    ],
    [
      'a key that belongs to another id',
      () => fixture.file(fixture.config({ appAuth: { publicKeyID: 'another1' } })),
      'signature_refused',
      /publicKeyID and privateKey of the same config\.json/,
    ],
  ])('%s', async (_, configFile, code, expected) => {
    const doctorRun = await fixture.run([configFile()]);
    expect(doctorRun.exitCode).toBe(1);
    expect(failedStep(doctorRun)).toMatchObject({
      step: 'exchange',
      problem: { code, status: 400, retryable: false },
    });
    expect(doctorRun.text).toMatch(expected);
  });

  it.each<[string, Fault]>([
    [
      'user_tokens_not_enabled',
      refused('invalid_request', 'Cannot obtain token based on the enterprise configuration'),
    ],
    [
      'grant_not_allowed',
      refused('invalid_request', 'The grant type is unauthorized for this client_id'),
    ],
    [
      'grant_not_allowed',
      refused(
        'unauthorized_client',
        'The "box_subject_type" value is unauthorized for this client_id',
      ),
    ],
    [
      'request_malformed',
      refused('invalid_request', 'Invalid grant_type parameter or parameter missing'),
    ],
    ['assertion_expired', refused('invalid_grant', "Please check the 'exp' claim.")],
    [
      'assertion_not_yet_valid',
      refused(
        'invalid_grant',
        "Current date/time MUST be after or equal to the not-before date/time  listed in the 'nbf' or 'iat' claim",
      ),
    ],
    [
      'assertion_replayed',
      refused('invalid_grant', "Please check the 'jti' claim. A unique 'jti' value is required."),
    ],
    ['issuer_refused', refused('invalid_grant', "Please check the 'iss' claim.")],
    ['token_request_refused', refused('something_new', 'Nobody has seen this before')],
    ['rate_limited', { kind: 'rate-limit', retryAfter: 3 }],
    ['unavailable', { kind: 'unavailable' }],
    ['network', { kind: 'reset' }],
    ['response_invalid', { kind: 'redirect', location: 'https://login.example.com' }],
  ])('%s', async (code, fault) => {
    emulator.always('token', fault);
    const doctorRun = await fixture.run([fixture.file()]);
    expect(doctorRun.exitCode).toBe(1);
    expect(failedStep(doctorRun)).toMatchObject({ step: 'exchange', problem: { code } });
  });

  it('reports rejected client credentials', async () => {
    emulator.authorized = false;
    const doctorRun = await fixture.run([], { env: fixture.clientVariables });
    expect(failedStep(doctorRun)).toMatchObject({
      step: 'exchange',
      problem: { code: 'grant_invalid' },
    });
  });

  it('reports rejected user tokens if the credentials name a user', async () => {
    emulator.userTokensEnabled = false;
    const { BOX_ENTERPRISE_ID: _, ...client } = fixture.clientVariables;
    const doctorRun = await fixture.run([], { env: { ...client, BOX_USER_ID: '11111' } });
    expect(failedStep(doctorRun).step).toBe('exchange');
  });

  it('does not print a secret that Box repeats in its error response', async () => {
    const { clientSecret } = emulator.config.boxAppSettings;
    emulator.always('token', refused('invalid_grant', `refused ${clientSecret}`));
    expect(failedStep(await fixture.run([fixture.file()])).problem?.message).toContain(
      '[redacted]',
    );
  });

  it.each<[string, Fault]>([
    ['unavailable', { kind: 'unavailable' }],
    ['insufficient_scope', challenge(403, 'insufficient_scope')],
    ['network', { kind: 'reset' }],
  ])('reports a rejected call after a successful token request: %s', async (code, fault) => {
    let calls = 0;
    const afterTheClock: typeof fetch = (input, init) => {
      if (String(input).endsWith('/users/me') && ++calls % 2 === 0) emulator.failNext('api', fault);
      return fetch(input, init);
    };
    const doctorRun = await fixture.run([fixture.file()], { fetch: afterTheClock });
    expect(failedStep(doctorRun)).toMatchObject({ step: 'account', problem: { code } });
  });

  it('reports that the app may not use as-user', async () => {
    emulator.asUserEnabled = false;
    const doctorRun = await fixture.run([fixture.file(), '--as-user', '11111']);
    expect(failedStep(doctorRun)).toMatchObject({
      step: 'as-user',
      problem: { code: 'access_denied', status: 403 },
    });
    expect(doctorRun.text).toContain('Make API calls using the as-user header');
  });

  it('reports as-user for the service account itself', async () => {
    const doctorRun = await fixture.run([fixture.file(), '--as-user', emulator.serviceAccountId]);
    expect(failedStep(doctorRun).step).toBe('as-user');
  });
});

function challenge(status: number, error: string): Fault {
  const value = `Bearer realm="Service", error="${error}"`;
  return { kind: 'status', status, headers: { 'www-authenticate': value } };
}
