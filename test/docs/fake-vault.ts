import { type KeyObject, sign } from 'node:crypto';
import { type Arrived, type LoopbackServer, startServer } from '../support/loopback-server.js';

const HASHES: Readonly<Record<string, string>> = {
  'sha2-256': 'sha256',
  'sha2-384': 'sha384',
  'sha2-512': 'sha512',
};

/** The part of HashiCorp Vault that the recipes call. The transit engine signs with `key`; the KV engine stores `config`. */
export function startVault(key: KeyObject, config: string): Promise<LoopbackServer> {
  return startServer((request, response) => {
    const data = answer(request, key, config);
    response.statusCode = data === undefined ? 403 : 200;
    response.end(JSON.stringify({ data }));
  });
}

function answer({ method, path, headers, body }: Arrived, key: KeyObject, config: string) {
  if (headers['x-vault-token'] !== 'of-this-test') return undefined;
  if (method === 'GET' && path === '/v1/secret/data/box') return { data: { config } };
  const hash = HASHES[/^\/v1\/transit\/sign\/box\/([\w-]+)$/.exec(path)?.[1] ?? ''];
  const { input, signature_algorithm: algorithm } = JSON.parse(body) as Record<string, string>;
  if (method !== 'POST' || hash === undefined || algorithm !== 'pkcs1v15') return undefined;
  const signature = sign(hash, Buffer.from(input ?? '', 'base64'), key);
  return { signature: `vault:v1:${signature.toString('base64')}` };
}

/** The part of AWS KMS that the external signer calls. */
export function kmsWith(key: KeyObject) {
  const hashes: Readonly<Record<string, string>> = {
    RSASSA_PKCS1_V1_5_SHA_256: 'sha256',
    RSASSA_PKCS1_V1_5_SHA_384: 'sha384',
    RSASSA_PKCS1_V1_5_SHA_512: 'sha512',
  };
  return {
    async sign({ Message, SigningAlgorithm }: { Message: Uint8Array; SigningAlgorithm: string }) {
      return { Signature: new Uint8Array(sign(hashes[SigningAlgorithm] ?? '', Message, key)) };
    },
  };
}
