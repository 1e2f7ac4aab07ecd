import { execFile } from 'node:child_process';
import { createPrivateKey, randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { SignJWT } from 'jose';
import { rolldown } from 'rolldown';
import { throughputOf } from '../measure/throughput.mjs';
import { openBoxAuth } from '../peers/nestjs-box-auth.mjs';

const NAMES = { key: 'privateKey', passphrase: 'passphrase' };

/** @typedef {() => Promise<unknown>} Sign */

/**
 * The signer of token requests. No entry point exports it, so it is imported from the source.
 *
 * @param {import('../row.js').Stage} stage
 * @returns {Promise<Sign>}
 */
async function ours({ config }) {
  const { boxCredentialsHelp, keySigner, parsePrivateKey } = await importSigner();
  const { privateKey, passphrase, publicKeyID } = config.boxAppSettings.appAuth;
  const signer = keySigner({
    ...parsePrivateKey(privateKey, passphrase, NAMES, boxCredentialsHelp),
    publicKeyId: publicKeyID,
    algorithm: 'RS256',
  });
  return () => signer.sign(claims());
}

/**
 * @typedef {typeof import('../../lib/core/credentials/private-key.js')
 *   & typeof import('../../lib/core/credentials/assertion.js')
 *   & typeof import('../../lib/box/credentials/box-credentials.js')} Signer
 *
 * @returns {Promise<Signer>}
 */
async function importSigner() {
  const lib = fileURLToPath(new URL('../../lib/', import.meta.url));
  const names = [
    'core/credentials/private-key',
    'core/credentials/assertion',
    'box/credentials/box-credentials',
  ];
  const source = names.map((name) => `export * from '${lib}${name}.ts';`).join('');
  const bundle = await rolldown({
    input: 'signer',
    platform: 'node',
    external: [/^jose/, /^lru-cache/],
    resolve: { extensionAlias: { '.js': ['.ts', '.js'] } },
    plugins: [
      {
        name: 'signer',
        resolveId: (id) => (id === 'signer' ? id : null),
        load: (id) => (id === 'signer' ? source : null),
      },
    ],
  });
  const folder = mkdtempSync(fileURLToPath(new URL('../node_modules/.signer-', import.meta.url)));
  try {
    const file = join(folder, 'signer.mjs');
    await bundle.write({ file, format: 'esm' });
    return await import(file);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/**
 * A complete token request without the network: `fetch` responds at once.
 *
 * @param {import('../row.js').Stage} stage
 * @returns {Promise<Sign>}
 */
async function oursMinting(stage) {
  const provider = await openBoxAuth(stage, 'https://api.box.com', {
    fetch: async () => Response.json({ access_token: 'fixed', expires_in: 3600 }),
  });
  let user = 0;
  return () => provider.getToken({ subject: { type: 'user', id: String((user += 1)) } });
}

/**
 * @param {import('../row.js').Stage} stage
 * @returns {Promise<Sign>}
 */
async function jose({ plainKey }) {
  const key = createPrivateKey(plainKey);
  return () => new SignJWT(claims()).setProtectedHeader({ alg: 'RS256' }).sign(key);
}

/**
 * @param {import('../row.js').Stage} stage
 * @returns {Promise<Sign>}
 */
async function joseParsing({ config }) {
  const { privateKey, passphrase } = config.boxAppSettings.appAuth;
  return () =>
    new SignJWT(claims())
      .setProtectedHeader({ alg: 'RS256' })
      .sign(createPrivateKey({ key: privateKey, passphrase }));
}

/**
 * The signing code that `BoxJwtAuth.refreshToken` calls before its token request.
 *
 * @param {import('../row.js').BoxConfig} config
 * @returns {Promise<Sign>}
 */
async function boxSdk(config) {
  const { createJwtAssertion, DefaultPrivateKeyDecryptor } =
    await import('box-node-sdk/internal/utils');
  const { privateKey, passphrase } = config.boxAppSettings.appAuth;
  return () =>
    createJwtAssertion(
      claims(),
      { key: privateKey, passphrase },
      { algorithm: 'RS256', privateKeyDecryptor: new DefaultPrivateKeyDecryptor({}) },
    );
}

const claims = () => ({
  iss: 'benchclientid',
  sub: '1234567',
  box_sub_type: 'enterprise',
  aud: 'https://api.box.com/oauth2/token',
  jti: randomUUID(),
  exp: Math.floor(Date.now() / 1000) + 45,
});

/** @type {Record<string, { open: (stage: import('../row.js').Stage) => Promise<Sign>, concurrency: number }>} */
const signers = {
  ours: { open: ours, concurrency: 1 },
  'ours, 4 at a time': { open: ours, concurrency: 4 },
  'ours, a whole mint': { open: oursMinting, concurrency: 1 },
  'ours, a whole mint, 4 at a time': { open: oursMinting, concurrency: 4 },
  jose: { open: jose, concurrency: 1 },
  'jose, 4 at a time': { open: jose, concurrency: 4 },
  'jose, the key opened each time': { open: joseParsing, concurrency: 1 },
  'box-node-sdk': { open: ({ config }) => boxSdk(config), concurrency: 1 },
  'box-node-sdk, 100,000 iterations': {
    open: ({ hardConfig }) => boxSdk(hardConfig),
    concurrency: 1,
  },
};

/** @type {import('../row.js').Row} */
export const row = {
  title: 'Assertions signed (RS256, 2,048 bits), against openssl on one core',
  subjects: ['openssl speed', ...Object.keys(signers)],
  units: { rate: '/s' },
  chart: {
    caption: 'Assertions signed a second, one at a time (more is better)',
    figure: 'rate',
    subjects: ['openssl speed', 'jose', 'ours', 'box-node-sdk'],
  },
  targets: [
    { subject: 'ours', figure: 'rate', over: 'openssl speed', atLeast: 0.75 },
    { subject: 'ours, 4 at a time', figure: 'rate', over: 'openssl speed', atLeast: 1.4 },
  ],
  async measure(subject, stage) {
    if (subject === 'openssl speed') return { rate: await opensslSpeed() };
    const signer = signers[subject];
    if (signer === undefined) throw new Error('unknown subject');
    const sign = await signer.open(stage);
    const seconds = stage.isQuick ? 0.01 : 1;
    const { rate } = await throughputOf(sign, { concurrency: signer.concurrency, seconds });
    return { rate };
  },
};

async function opensslSpeed() {
  // Wall-clock time, like all other subjects.
  const args = ['speed', '-elapsed', '-seconds', '1', '-mr', 'rsa2048'];
  const { stdout } = await promisify(execFile)('openssl', args);
  // "+F2:<index>:<bits>:<signatures a second>:<verifications a second>"
  const rate = /^\+F2:\d+:2048:([\d.]+):/m.exec(stdout)?.[1];
  if (rate === undefined) throw new Error('Unexpected output of openssl speed');
  return Number(rate);
}
