import { generateKeyPairSync, sign as signWith, verify } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { externalSigner, type SigningFunction } from '../../../lib/core/credentials/assertion.js';
import { thrownBy } from '../../support/thrown.js';

const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
const signer = (sign: SigningFunction) =>
  externalSigner({ publicKeyId: 'abcd1234', algorithm: 'RS384', sign });

describe('externalSigner', () => {
  it('returns a JWT whose header and claims the function has signed', async () => {
    const algorithms: string[] = [];
    const { publicKeyId, thumbprint, ...external } = signer((input, algorithm) => {
      algorithms.push(algorithm);
      return signWith('sha384', input, privateKey);
    });
    const [header = '', claims = '', signature = '', ...more] = (
      await external.sign({ sub: '1' })
    ).split('.');
    const decoded = [header, claims].map((part): unknown =>
      JSON.parse(Buffer.from(part, 'base64url').toString()),
    );
    expect(decoded).toEqual([{ alg: 'RS384', kid: 'abcd1234', typ: 'JWT' }, { sub: '1' }]);
    expect(more).toEqual([]);
    const signed = Buffer.from(`${header}.${claims}`);
    expect(verify('sha384', signed, publicKey, Buffer.from(signature, 'base64url'))).toBe(true);
    expect(algorithms).toEqual(['RS384']);
    expect({ publicKeyId, thumbprint }).toEqual({
      publicKeyId: 'abcd1234',
      thumbprint: 'external',
    });
  });

  it('reports an error of the function, with its cause', async () => {
    const cause = new Error('the vault is sealed');
    const error = await thrownBy(() => signer(() => Promise.reject(cause)).sign({}));
    expect(error).toMatchObject({
      code: 'signer_failed',
      message: 'The sign function of the credentials failed.',
      docs: 'https://datatracker.ietf.org/doc/html/rfc7515#section-5.1',
      retryable: true,
      cause: { message: 'the vault is sealed' },
    });
    expect(error.hint).toContain('Check that the KMS, HSM or vault is reachable');
  });

  it.each<[string, unknown]>([
    ['an empty array', new Uint8Array()],
    ['a string', 'c2lnbmVk'],
    ['nothing', undefined],
  ])('reports a function that returns %s', async (_, result) => {
    const error = await thrownBy(() => signer(() => result as Uint8Array).sign({}));
    expect(error).toMatchObject({
      code: 'signer_failed',
      message:
        'The sign function of the credentials returned no signature: expected a Uint8Array that is not empty.',
      retryable: true,
    });
  });
});
