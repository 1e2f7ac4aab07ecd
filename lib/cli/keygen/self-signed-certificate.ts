import { createHash, createPublicKey, type KeyObject, randomBytes, sign } from 'node:crypto';

/** The contents of a certificate. */
export interface CertificateDetails {
  readonly privateKey: KeyObject;
  /** The CN of subject and issuer. */
  readonly commonName: string;
  /** Milliseconds since the epoch; a certificate stores only seconds. */
  readonly notBefore: number;
  readonly days: number;
}

const OID = {
  sha256WithRSAEncryption: [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0b], // 1.2.840.113549.1.1.11
  commonName: [0x55, 0x04, 0x03], // 2.5.4.3
  subjectKeyIdentifier: [0x55, 0x1d, 0x0e], // 2.5.29.14
  basicConstraints: [0x55, 0x1d, 0x13], // 2.5.29.19
  authorityKeyIdentifier: [0x55, 0x1d, 0x23], // 2.5.29.35
} as const;

const DAY_MS = 86_400_000;

/**
 * Creates a self-signed X.509 v3 certificate (RFC 5280) in PEM for an RSA key, with the extensions of `openssl req -x509`.
 */
export function selfSignedCertificate(details: CertificateDetails): string {
  const { privateKey } = details;
  const signatureAlgorithm = sequence(oid('sha256WithRSAEncryption'), der(0x05)); // RFC 4055 section 5: NULL parameters
  const toBeSigned = tbsCertificate(details, signatureAlgorithm);
  const signature = bitString(sign('sha256', toBeSigned, privateKey));
  const certificate = sequence(toBeSigned, signatureAlgorithm, signature); // section 4.1
  const lines = certificate.toString('base64').match(/.{1,64}/g) ?? [];
  return ['-----BEGIN CERTIFICATE-----', ...lines, '-----END CERTIFICATE-----', ''].join('\n');
}

/** Section 4.1.2. */
function tbsCertificate(
  { privateKey, commonName, notBefore, days }: CertificateDetails,
  signatureAlgorithm: Buffer,
): Buffer {
  const publicKey = createPublicKey(privateKey);
  const name = sequence(der(0x31, sequence(oid('commonName'), der(0x0c, Buffer.from(commonName)))));
  return sequence(
    der(0xa0, integer(Buffer.of(2))), // v3
    integer(serialNumber()),
    signatureAlgorithm,
    name, // issuer
    sequence(time(notBefore), time(notBefore + days * DAY_MS)),
    name, // subject
    publicKey.export({ type: 'spki', format: 'der' }),
    der(0xa3, extensions(publicKey)),
  );
}

/** Section 4.2.1: .1 and .2 identify the key, .9 allows it to sign certificates, such as this one. */
function extensions(publicKey: KeyObject): Buffer {
  const subjectPublicKey = publicKey.export({ type: 'pkcs1', format: 'der' });
  const keyId = createHash('sha1').update(subjectPublicKey).digest(); // section 4.2.1.2, method 1
  const isCritical = der(0x01, Buffer.of(0xff));
  return sequence(
    sequence(oid('subjectKeyIdentifier'), octetString(octetString(keyId))),
    sequence(oid('authorityKeyIdentifier'), octetString(sequence(der(0x80, keyId)))),
    sequence(
      oid('basicConstraints'),
      isCritical,
      octetString(sequence(der(0x01, Buffer.of(0xff)))),
    ),
  );
}

/** Section 4.1.2.2: positive, at most 20 bytes. The first byte keeps it positive and of constant length. */
function serialNumber(): Buffer {
  const bytes = randomBytes(16);
  bytes[0] = (bytes.readUInt8() & 0x3f) | 0x40;
  return bytes;
}

/** Section 4.1.2.5: UTCTime, with a two-digit year, until 2049, then GeneralizedTime. */
function time(ms: number): Buffer {
  const date = new Date(ms);
  const digits = date.toISOString().replace(/\.\d+|[-:T]/g, '');
  return date.getUTCFullYear() < 2050
    ? der(0x17, Buffer.from(digits.slice(2)))
    : der(0x18, Buffer.from(digits));
}

/** Encodes a tag, the length and the content (X.690 sections 8.1 and 10.1). */
function der(tag: number, ...parts: readonly Buffer[]): Buffer {
  const content = Buffer.concat(parts);
  const hex = content.length.toString(16);
  const length = Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, 'hex');
  const head =
    content.length < 0x80 ? [tag, content.length] : [tag, 0x80 | length.length, ...length];
  return Buffer.concat([Buffer.from(head), content]);
}

function sequence(...parts: readonly Buffer[]): Buffer {
  return der(0x30, ...parts);
}

function integer(bytes: Buffer): Buffer {
  return der(0x02, bytes);
}

function octetString(content: Buffer): Buffer {
  return der(0x04, content);
}

/** The first byte is the number of unused bits. */
function bitString(bytes: Buffer): Buffer {
  return der(0x03, Buffer.of(0), bytes);
}

function oid(name: keyof typeof OID): Buffer {
  return der(0x06, Buffer.from(OID[name]));
}
