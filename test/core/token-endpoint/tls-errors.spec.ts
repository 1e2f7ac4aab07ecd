import { createPrivateKey } from 'node:crypto';
import { createServer } from 'node:https';
import { type AddressInfo, createServer as createTcpServer, type Server } from 'node:net';
import { Agent, fetch as undiciFetch } from 'undici';
import { afterEach, describe, expect, it } from 'vitest';
import { selfSignedCertificate } from '../../../lib/cli/keygen/self-signed-certificate.js';
import { unreachableError } from '../../../lib/core/token-endpoint/network-errors.js';
import { withOpenssl } from '../../support/keys.js';

/** A CA, and a certificate of it for box.test; none of them is for 127.0.0.1. */
const made = withOpenssl((openssl, read) => {
  const key = '-newkey rsa:2048 -nodes';
  openssl(`req -x509 ${key} -keyout ca.key -out ca.pem -subj /CN=ca -days 2`);
  openssl(`req ${key} -keyout leaf.key -out leaf.csr -subj /CN=box.test`);
  openssl('x509 -req -in leaf.csr -CA ca.pem -CAkey ca.key -CAcreateserial -out leaf.pem -days 2');
  openssl(
    `req -x509 ${key} -keyout self.key -out self.pem -subj /CN=box.test -addext subjectAltName=DNS:box.test -days 2`,
  );
  return {
    ca: read('ca.pem'),
    leaf: { cert: read('leaf.pem'), key: read('leaf.key') },
    self: { cert: read('self.pem'), key: read('self.key') },
  };
});
const expired = {
  key: made.self.key,
  cert: selfSignedCertificate({
    privateKey: createPrivateKey(made.self.key),
    commonName: 'box.test',
    notBefore: Date.parse('2020-01-01T00:00:00Z'),
    days: 1,
  }),
};

let server: Server;
afterEach(async () => {
  if (server.listening) await stopped();
});

const stopped = () =>
  new Promise<void>((resolve) => {
    server.close(() => resolve());
  });

async function portOf(listening: Server): Promise<number> {
  server = listening;
  await new Promise<void>((resolve) => {
    listening.listen(0, '127.0.0.1', resolve);
  });
  return (listening.address() as AddressInfo).port;
}

/** What the module says of a request to this port, by a process that trusts `ca` alone. */
async function errorAt(port: number, ca: string) {
  const url = `https://127.0.0.1:${port}/oauth2/token`;
  const dispatcher = new Agent({ connect: { ca } });
  try {
    await undiciFetch(url, { dispatcher });
  } catch (error) {
    return unreachableError({ name: 'Box', docs: 'https://docs.example/', tokenUrl: url }, error);
  } finally {
    await dispatcher.close();
  }
  throw new Error('it answered');
}

describe('A real TLS server', () => {
  it.each([
    [
      'whose certificate is for another host name',
      made.self,
      made.self.cert,
      'ERR_TLS_CERT_ALTNAME_INVALID',
      /another host name/,
    ],
    [
      'whose certificate is signed by itself',
      made.self,
      made.ca,
      'DEPTH_ZERO_SELF_SIGNED_CERT',
      /NODE_EXTRA_CA_CERTS/,
    ],
    [
      'whose certificate is of a CA that is not known',
      made.leaf,
      made.self.cert,
      'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
      /intermediate certificate.*NODE_EXTRA_CA_CERTS/,
    ],
    [
      'whose chain ends with a CA that is not trusted',
      { ...made.leaf, cert: made.leaf.cert + made.ca },
      made.self.cert,
      'SELF_SIGNED_CERT_IN_CHAIN',
      /NODE_EXTRA_CA_CERTS/,
    ],
    [
      'whose certificate has expired',
      expired,
      expired.cert,
      'CERT_HAS_EXPIRED',
      /clock of this machine/,
    ],
  ])('with %s is explained and not retried', async (_, identity, trusted, code, hint) => {
    const error = await errorAt(await portOf(createServer(identity)), trusted);
    expect(error).toMatchObject({ code: 'network', retryable: false });
    expect(error.message).toContain(`(${code})`);
    expect(error.hint).toMatch(hint);
  });

  it('that speaks plain http is explained', async () => {
    const plain = createTcpServer((socket) => {
      socket.resume().end('HTTP/1.1 400 Bad Request\r\n\r\n');
    });
    const error = await errorAt(await portOf(plain), made.ca);
    expect(error.message).toMatch(/\((?:EPROTO|ERR_SSL_WRONG_VERSION_NUMBER)\)/);
    expect(error.hint).toMatch(/https, not http/);
  });

  it('that does not listen is explained', async () => {
    const port = await portOf(createTcpServer());
    await stopped();
    const error = await errorAt(port, made.ca);
    expect(error).toMatchObject({ code: 'network', retryable: true });
    expect(error.message).toContain('(ECONNREFUSED)');
    expect(error.hint).toMatch(/Nothing listens/);
  });
});
