import { execFileSync } from 'node:child_process';
import { createPublicKey, generateKeyPairSync, X509Certificate } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { selfSignedCertificate } from '../../../lib/cli/keygen/self-signed-certificate.js';
import { newFolder } from '../cli-fixture.js';

const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
const { privateKey: larger } = generateKeyPairSync('rsa', { modulusLength: 4096 });
const NOT_BEFORE = Date.parse('2026-03-01T12:34:56.789Z');
const DAY_MS = 86_400_000;

const made = (changes: Partial<Parameters<typeof selfSignedCertificate>[0]> = {}) =>
  selfSignedCertificate({
    privateKey,
    commonName: 'nestjs-box-auth',
    notBefore: NOT_BEFORE,
    days: 3650,
    ...changes,
  });

/** Describes a certificate with openssl; throws if it is invalid. */
function openssl(pem: string, ...args: string[]): string {
  const cwd = newFolder();
  writeFileSync(join(cwd, 'cert.pem'), pem);
  return execFileSync('openssl', args, { cwd, stdio: 'pipe' }).toString();
}

describe('selfSignedCertificate', () => {
  it('creates a certificate that Node verifies with its own key', () => {
    const certificate = new X509Certificate(made());
    expect(certificate.subject).toBe('CN=nestjs-box-auth');
    expect(certificate.issuer).toBe('CN=nestjs-box-auth');
    expect(certificate.verify(createPublicKey(privateKey))).toBe(true);
    expect(certificate.verify(createPublicKey(larger))).toBe(false);
    expect(certificate.checkPrivateKey(privateKey)).toBe(true);
    expect(certificate.checkIssued(certificate)).toBe(true);
    expect(certificate.ca).toBe(true);
    expect(Date.parse(certificate.validFrom)).toBe(Math.floor(NOT_BEFORE / 1000) * 1000);
    const days = Date.parse(certificate.validTo) - Date.parse(certificate.validFrom);
    expect(days).toBe(3650 * DAY_MS);
  });

  it.each([
    ['2048', privateKey],
    ['4096', larger],
  ])('creates a certificate of %s bits that openssl verifies as its own CA', (bits, key) => {
    const pem = made({ privateKey: key });
    const text = openssl(pem, 'x509', '-in', 'cert.pem', '-noout', '-text');
    expect(text).toContain('Version: 3 (0x2)');
    expect(text.match(/Signature Algorithm: sha256WithRSAEncryption/g)).toHaveLength(2);
    expect(text).toContain(`Public-Key: (${bits} bit)`);
    expect(text).toMatch(/X509v3 Basic Constraints: critical\s+CA:TRUE/);
    // OpenSSL 3 and earlier versions print key ids differently.
    const [subjectKeyId, authorityKeyId] = ['Subject', 'Authority'].map(
      (whose) =>
        new RegExp(`X509v3 ${whose} Key Identifier: ?\\s+(?:keyid:)?([0-9A-F:]{59})`).exec(
          text,
        )?.[1],
    );
    expect(subjectKeyId).toBeDefined();
    expect(authorityKeyId).toBe(subjectKeyId);
    const verified = openssl(
      pem,
      'verify',
      '-x509_strict',
      '-check_ss_sig',
      '-attime',
      String(Math.floor(NOT_BEFORE / 1000) + 60),
      '-CAfile',
      'cert.pem',
      'cert.pem',
    );
    expect(verified).toBe('cert.pem: OK\n');
  });

  it('adds the same extensions as openssl req -x509', () => {
    const cwd = newFolder();
    const command =
      'req -x509 -sha256 -nodes -newkey rsa:2048 -keyout private.key -out theirs.crt -subj /CN=theirs';
    execFileSync('openssl', command.split(' '), { cwd, stdio: 'pipe' });
    const theirs = execFileSync('openssl', ['x509', '-in', 'theirs.crt', '-noout', '-text'], {
      cwd,
    });
    const ours = openssl(made(), 'x509', '-in', 'cert.pem', '-noout', '-text');
    const extensions = (text: string) => text.match(/X509v3 [\w ]+: ?(?:critical)?/g)?.toSorted();
    expect(extensions(ours)).toEqual(extensions(theirs.toString()));
  });

  it('identifies the key by its SHA-1, like openssl (RFC 5280 section 4.2.1.2)', () => {
    const pem = made();
    const reissued = openssl(pem, 'x509', '-in', 'cert.pem', '-noout', '-ocspid');
    const hash = /Public key OCSP hash: ([0-9A-F]{40})/.exec(reissued)?.[1];
    const text = openssl(pem, 'x509', '-in', 'cert.pem', '-noout', '-ext', 'subjectKeyIdentifier');
    expect(text.replaceAll(':', '')).toContain(hash);
  });

  it('encodes dates as UTCTime until 2049, then as GeneralizedTime (section 4.1.2.5)', () => {
    const times = (notBefore: string, days: number) =>
      openssl(made({ notBefore: Date.parse(notBefore), days }), 'asn1parse', '-in', 'cert.pem')
        .match(/(?:UTCTIME|GENERALIZEDTIME) +:\w+/g)
        ?.map((line) => line.replace(/ +:/, ' '));
    expect(times('2049-12-30T00:00:00Z', 1)).toEqual([
      'UTCTIME 491230000000Z',
      'UTCTIME 491231000000Z',
    ]);
    expect(times('2049-12-31T23:59:59Z', 1)).toEqual([
      'UTCTIME 491231235959Z',
      'GENERALIZEDTIME 20500101235959Z',
    ]);
    expect(times('2050-01-01T00:00:00Z', 1)).toEqual([
      'GENERALIZEDTIME 20500101000000Z',
      'GENERALIZEDTIME 20500102000000Z',
    ]);
  });

  it('generates a unique positive serial number of at most 20 bytes (section 4.1.2.2)', () => {
    const serials = Array.from({ length: 50 }, () => new X509Certificate(made()).serialNumber);
    expect(new Set(serials).size).toBe(50);
    for (const serial of serials) expect(serial).toMatch(/^[4-7][0-9A-F]{31}$/);
  });

  it('encodes the common name in UTF-8 (section 4.1.2.4)', () => {
    const parsed = openssl(made({ commonName: 'Ü' }), 'asn1parse', '-in', 'cert.pem');
    expect(parsed.match(/commonName\n.*UTF8STRING +:Ü/g)).toHaveLength(2);
  });

  it('encodes any common name and date, whatever the DER length', () => {
    // Node escapes the name as in RFC 2253, so openssl's UTF-8 is compared by bytes.
    fc.assert(
      fc.property(
        fc.string({ unit: 'grapheme', minLength: 1, maxLength: 300 }),
        fc.integer({ min: Date.parse('1970-01-01'), max: Date.parse('2100-01-01') }),
        fc.integer({ min: 1, max: 36_500 }),
        (commonName, notBefore, days) => {
          fc.pre(!commonName.includes('\0'));
          const certificate = new X509Certificate(made({ commonName, notBefore, days }));
          expect(certificate.raw.includes(Buffer.from(commonName))).toBe(true);
          expect(certificate.verify(certificate.publicKey)).toBe(true);
          const life = Date.parse(certificate.validTo) - Date.parse(certificate.validFrom);
          expect(life).toBe(days * DAY_MS);
        },
      ),
      { numRuns: 100 },
    );
  });

  it('writes PEM with lines of 64 characters (RFC 7468 section 2)', () => {
    const lines = made().split('\n');
    expect(lines[0]).toBe('-----BEGIN CERTIFICATE-----');
    expect(lines.slice(-2)).toEqual(['-----END CERTIFICATE-----', '']);
    for (const line of lines.slice(1, -3)) expect(line).toMatch(/^[A-Za-z0-9+/]{64}$/);
  });
});
