import { execFileSync } from 'node:child_process';
import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { BoxEmulator } from 'nestjs-box-auth/testing';
import { newKeyPair, privateKeyPem } from '../../../lib/cli/rsa-key.js';
import { newFolder, run } from '../cli-fixture.js';
import { DoctorFixture, failedStep, stepOf } from '../doctor/doctor-fixture.js';

const PASSPHRASE = 'a passphrase of my own';

const read = (folder: string, name: string) => readFileSync(join(folder, name), 'utf8');
const modeOf = (path: string) => (statSync(path).mode & 0o777).toString(8);
const configIn = (folder: string) =>
  JSON.parse(read(folder, 'config.json')) as BoxEmulator['config'];
const openssl = (args: string, cwd: string) =>
  execFileSync('openssl', args.split(' '), { cwd, stdio: 'pipe' }).toString();
const spki = (key: KeyObject) => key.export({ type: 'spki', format: 'der' }).toString('hex');

describe('keygen', () => {
  it('writes a key pair and a config.json, with secret files readable only by their owner', async () => {
    const folder = join(newFolder(), 'made', 'here');
    const { exitCode, stdout, stderr } = await run(['keygen', '--out', folder]);
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    expect(readdirSync(folder).toSorted()).toEqual(['config.json', 'private.pem', 'public.pem']);
    expect(modeOf(join(folder, 'private.pem'))).toBe('600');
    expect(modeOf(join(folder, 'config.json'))).toBe('600');
    expect(modeOf(join(folder, 'public.pem'))).toBe('644');
    for (const name of readdirSync(folder)) expect(stdout).toContain(join(folder, name));
    expect(stdout).toContain('Add and Manage Public Keys');
    expect(stdout).toContain(`npx nestjs-box-auth doctor ${folder}/config.json\n`);
  });

  it('encrypts the private key with the passphrase in config.json, and does not print it', async () => {
    const folder = newFolder();
    const ran = await run(['keygen', '--out', folder]);
    const { privateKey, passphrase } = configIn(folder).boxAppSettings.appAuth;
    expect(read(folder, 'private.pem')).toBe(privateKey);
    expect(passphrase.length).toBeGreaterThanOrEqual(32);
    expect(ran.stdout + ran.stderr).not.toContain(passphrase);
    const key = createPrivateKey({ key: privateKey, passphrase });
    expect(key.asymmetricKeyDetails?.modulusLength).toBe(2048);
    expect(spki(createPublicKey(read(folder, 'public.pem')))).toBe(spki(createPublicKey(key)));
    // AES-256-CBC and PBKDF2, read by openssl.
    const outside = openssl('asn1parse -in private.pem', folder);
    expect(outside).toMatch(/PBES2[^]*PBKDF2[^]*aes-256-cbc/);
    expect(
      openssl(`pkey -in private.pem -passin pass:${passphrase} -check -noout`, folder),
    ).toMatch(/valid/);
  });

  it('generates a different key and passphrase each time', async () => {
    const [one, other] = [newFolder(), newFolder()];
    await run(['keygen', '--out', one]);
    await run(['keygen', '--out', other]);
    expect(read(one, 'public.pem')).not.toBe(read(other, 'public.pem'));
    const passphrases = [one, other].map(
      (folder) => configIn(folder).boxAppSettings.appAuth.passphrase,
    );
    expect(new Set(passphrases).size).toBe(2);
  });

  it('uses the passphrase from a variable, and does not write it to a file', async () => {
    const folder = newFolder();
    const args = ['keygen', '--out', folder, '--passphrase-env', 'MY_PASS'];
    const ran = await run(args, { env: { MY_PASS: PASSPHRASE } });
    expect(ran.exitCode).toBe(0);
    expect(ran.stdout).toContain('--passphrase-env MY_PASS');
    for (const name of readdirSync(folder)) expect(read(folder, name)).not.toContain(PASSPHRASE);
    expect(ran.stdout).not.toContain(PASSPHRASE);
    expect(configIn(folder).boxAppSettings.appAuth).not.toHaveProperty('passphrase');
    createPrivateKey({ key: read(folder, 'private.pem'), passphrase: PASSPHRASE });
  });

  it.each([{}, { MY_PASS: '' }])('rejects a missing passphrase: %j', async (env) => {
    const folder = newFolder();
    const ran = await run(['keygen', '--out', folder, '--passphrase-env', 'MY_PASS'], { env });
    expect(ran.exitCode).toBe(2);
    expect(ran.stderr).toContain('is unset or empty');
    expect(readdirSync(folder)).toEqual([]);
  });

  it.each([
    [[], '   \t', 'is blank'],
    [[], 'é'.repeat(501), 'is too long: 1002 bytes'],
    [['--workfront', '--encrypted'], '\t \t', 'is blank'],
    [['--workfront', '--encrypted'], 'x'.repeat(1001), 'is too long: 1001 bytes'],
  ])('%j rejects a passphrase that could not open the key: %j', async (args, pass, expected) => {
    const folder = newFolder();
    const all = ['keygen', '--out', folder, '--passphrase-env', 'MY_PASS', ...args];
    const ran = await run(all, { env: { MY_PASS: pass } });
    expect(ran.exitCode).toBe(2);
    expect(ran.stderr).toContain(expected);
    expect(ran.stderr).not.toContain(pass);
    expect(readdirSync(folder)).toEqual([]);
  });

  it('accepts a passphrase of 1,000 bytes', async () => {
    const folder = newFolder();
    const passphrase = 'x'.repeat(1_000);
    const args = ['keygen', '--out', folder, '--passphrase-env', 'MY_PASS'];
    expect((await run(args, { env: { MY_PASS: passphrase } })).exitCode).toBe(0);
    createPrivateKey({ key: read(folder, 'private.pem'), passphrase });
  });

  it('checks that a new key can be opened', async () => {
    const { privateKey } = await newKeyPair(2048);
    expect(() => privateKeyPem(privateKey, 'x'.repeat(1_100))).toThrow(
      'The passphrase in the variable does not open the new private key.',
    );
  });

  it('warns that BOX_PRIVATE_KEY_PASSPHRASE was not used, unless it was named', async () => {
    const env = { BOX_PRIVATE_KEY_PASSPHRASE: PASSPHRASE };
    const expected = 'BOX_PRIVATE_KEY_PASSPHRASE is set but was not used';
    const unnamed = await run(['keygen', '--out', newFolder()], { env });
    expect(unnamed.stdout).toContain(expected);
    expect(unnamed.stdout).toContain('unset BOX_PRIVATE_KEY_PASSPHRASE');
    expect(unnamed.stdout).toContain('keygen --passphrase-env BOX_PRIVATE_KEY_PASSPHRASE');
    expect(unnamed.stdout).not.toContain(PASSPHRASE);
    const name = ['--passphrase-env', 'BOX_PRIVATE_KEY_PASSPHRASE'];
    const named = await run(['keygen', '--out', newFolder(), ...name], { env });
    const unset = await run(['keygen', '--out', newFolder()], {
      env: { BOX_PRIVATE_KEY_PASSPHRASE: ' ' },
    });
    for (const { exitCode, stdout } of [named, unset]) {
      expect(exitCode).toBe(0);
      expect(stdout).not.toContain('not used');
    }
  });

  it.each(['3072', '4096'])('generates a key of %s bits', async (bits) => {
    const folder = newFolder();
    await run(['keygen', '--out', folder, '--bits', bits]);
    const key = createPublicKey(read(folder, 'public.pem'));
    expect(key.asymmetricKeyDetails?.modulusLength).toBe(Number(bits));
  });

  it.each(['private.pem', 'public.pem', 'config.json'])('never overwrites %s', async (name) => {
    const folder = newFolder();
    writeFileSync(join(folder, name), 'precious');
    const ran = await run(['keygen', '--out', folder]);
    expect(ran.exitCode).toBe(1);
    expect(ran.stderr).toContain(`${join(folder, name)} already exists`);
    expect(ran.stdout).toBe('');
    expect(read(folder, name)).toBe('precious');
    expect(readdirSync(folder)).toEqual([name]);
  });

  it('writes to the working directory by default', async () => {
    const cwd = newFolder();
    await run(['keygen'], { cwd });
    expect(existsSync(join(cwd, 'config.json'))).toBe(true);
  });

  it('reports an unwritable folder, and leaves no files behind', async () => {
    const folder = newFolder();
    writeFileSync(join(folder, 'file'), '');
    const ran = await run(['keygen', '--out', join(folder, 'file')]);
    expect(ran.exitCode).toBe(1);
    expect(ran.stderr).toMatch(/Cannot write to .*file \((EEXIST|ENOTDIR)\)/);
  });
});

describe('config.json of keygen', () => {
  it('makes the doctor list the placeholders and where to find their values', async () => {
    const folder = newFolder();
    await run(['keygen', '--out', folder]);
    const emulator = await BoxEmulator.start();
    const fixture = new DoctorFixture(emulator);
    fixture.addSecrets(read(folder, 'config.json'));
    const first = await fixture.run([join(folder, 'config.json')]);
    expect(failedStep(first)).toMatchObject({
      step: 'fields',
      facts: {
        notFilledIn: [
          'boxAppSettings.clientID',
          'boxAppSettings.clientSecret',
          'boxAppSettings.appAuth.publicKeyID',
          'enterpriseID',
        ],
      },
      problem: { code: 'config_invalid' },
    });
    expect(first.text).toContain('enterpriseID: General Settings tab, App Info: Enterprise ID');

    // All placeholders but one.
    const { boxAppSettings } = configIn(folder);
    const { clientID, clientSecret } = emulator.config.boxAppSettings;
    const filled = {
      boxAppSettings: { ...boxAppSettings, clientID, clientSecret },
      enterpriseID: emulator.config.enterpriseID,
    };
    const second = await fixture.run([fixture.file(filled)]);
    expect(failedStep(second).facts).toEqual({
      notFilledIn: ['boxAppSettings.appAuth.publicKeyID'],
    });

    // The last one, after the public key is registered.
    emulator.registerPublicKey('mykey001', read(folder, 'public.pem'));
    const appAuth = { ...boxAppSettings.appAuth, publicKeyID: 'mykey001' };
    const whole = { ...filled, boxAppSettings: { ...filled.boxAppSettings, appAuth } };
    const third = await fixture.run([fixture.file(whole)]);
    expect(third.exitCode).toBe(0);
    expect(stepOf(third, 'key').facts).toMatchObject({ cipher: 'aes-256-cbc', kdf: 'PBKDF2' });
    await emulator.stop();
  });

  it('has exactly the fields of Box’s config.json', async () => {
    const folder = newFolder();
    await run(['keygen', '--out', folder]);
    const emulator = await BoxEmulator.start();
    const fieldsOf = ({ boxAppSettings, ...rest }: BoxEmulator['config']) => [
      Object.keys(rest),
      Object.keys(boxAppSettings),
      Object.keys(boxAppSettings.appAuth),
    ];
    expect(fieldsOf(configIn(folder))).toEqual(fieldsOf(emulator.config));
    await emulator.stop();
  });
});

describe('keygen --workfront', () => {
  const workfront = (folder: string, ...args: string[]) =>
    run(['keygen', '--workfront', '--out', folder, ...args], { env: { MY_PASS: PASSPHRASE } });

  it('writes the same files as the openssl command in Adobe’s documentation', async () => {
    const folder = newFolder();
    const ran = await workfront(folder);
    expect(ran.exitCode).toBe(0);
    expect(readdirSync(folder).toSorted()).toEqual(['certificate_pub.crt', 'private.key']);
    expect(modeOf(join(folder, 'private.key'))).toBe('600');
    expect(read(folder, 'private.key')).toMatch(/^-----BEGIN PRIVATE KEY-----\n/);
    expect(ran.stdout).toContain('not encrypted');
    expect(ran.stdout).toContain('OAuth2 Applications');
    const [ofKey, ofCertificate] = [
      openssl('pkey -in private.key -pubout', folder),
      openssl('x509 -in certificate_pub.crt -pubkey -noout', folder),
    ];
    expect(ofKey).toBe(ofCertificate);
  });

  it('creates a certificate for ten years, or for --days', async () => {
    const folder = newFolder();
    await workfront(folder);
    expect(() => openssl(validAfter(3649), folder)).not.toThrow();
    expect(() => openssl(validAfter(3651), folder)).toThrow('checkend');
    const other = newFolder();
    await workfront(other, '--days', '30', '--common-name', 'Project "Ü", Ltd.');
    expect(() => openssl(validAfter(29), other)).not.toThrow();
    expect(() => openssl(validAfter(31), other)).toThrow('checkend');
    const subject = openssl('x509 -in certificate_pub.crt -noout -subject -nameopt utf8', other);
    expect(subject).toContain('Project "Ü", Ltd.');
  });

  it('encrypts the private key with --encrypted', async () => {
    const folder = newFolder();
    const ran = await workfront(folder, '--encrypted', '--passphrase-env', 'MY_PASS');
    expect(ran.exitCode).toBe(0);
    expect(ran.stdout).not.toContain(PASSPHRASE);
    const key = read(folder, 'private.key');
    expect(key).toMatch(/^-----BEGIN ENCRYPTED PRIVATE KEY-----\n/);
    createPrivateKey({ key, passphrase: PASSPHRASE });
  });

  it('requires a passphrase for --encrypted', async () => {
    const folder = newFolder();
    const ran = await workfront(folder, '--encrypted');
    expect(ran.exitCode).toBe(2);
    expect(ran.stderr).toContain('--passphrase-env');
    expect(readdirSync(folder)).toEqual([]);
  });

  it('never overwrites a file', async () => {
    const folder = newFolder();
    mkdirSync(join(folder, 'private.key'));
    expect((await workfront(folder)).exitCode).toBe(1);
    expect(readdirSync(folder)).toEqual(['private.key']);
  });
});

/** Fails if the certificate expires within that many days. */
function validAfter(days: number): string {
  return `x509 -in certificate_pub.crt -noout -checkend ${days * 86_400}`;
}
