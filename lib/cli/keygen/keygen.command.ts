import { randomBytes } from 'node:crypto';
import { resolve } from 'node:path';
import { type CliContext, type ExitCode, usageError } from '../cli-context.js';
import { configSkeleton } from '../config-skeleton.js';
import { newPassphraseIn, PASSPHRASE_VARIABLE } from '../variables.js';
import { type KeySize, newKeyPair, privateKeyPem, publicKeyPem } from '../rsa-key.js';
import { pathsOfNewFiles, writeNewFiles } from '../new-files.js';
import { selfSignedCertificate } from './self-signed-certificate.js';

export interface KeygenRequest {
  /** The folder for the files. */
  readonly out: string;
  readonly bits: KeySize;
  /** The name of the variable with the passphrase; undefined to generate one. */
  readonly passphraseEnv: string | undefined;
}

export interface WorkfrontKeygenRequest extends KeygenRequest {
  readonly encrypted: boolean;
  readonly days: number;
  readonly commonName: string;
}

/** Generates a key pair for Box, and a `config.json` with placeholders for the values of the developer console. */
export async function keygen(request: KeygenRequest, context: CliContext): Promise<ExitCode> {
  const { bits, passphraseEnv } = request;
  const ownPassphrase =
    passphraseEnv === undefined ? undefined : newPassphraseIn(context.env, passphraseEnv);
  const passphrase = ownPassphrase ?? randomBytes(24).toString('base64url');
  const folder = resolve(context.cwd, request.out);
  const [privatePath, publicPath, configPath] = pathsOfNewFiles(folder, [
    'private.pem',
    'public.pem',
    'config.json',
  ]);

  const pair = await newKeyPair(bits);
  const privateKey = privateKeyPem(pair.privateKey, passphrase);
  const config = configSkeleton(privateKey, ownPassphrase === undefined ? passphrase : undefined);
  writeNewFiles([
    { path: privatePath, content: privateKey, isSecret: true },
    { path: publicPath, content: publicKeyPem(pair.publicKey), isSecret: false },
    { path: configPath, content: config, isSecret: true },
  ]);
  const protection =
    ownPassphrase === undefined
      ? 'its passphrase is in config.json'
      : 'encrypted with your passphrase, which is in none of these files';
  const doctorOption =
    ownPassphrase === undefined || passphraseEnv === PASSPHRASE_VARIABLE
      ? ''
      : ` --passphrase-env ${passphraseEnv}`;
  context.stdout.write(`${privatePath}
  the private key: RSA, ${bits} bits; ${protection}
${publicPath}
  the public key
${configPath}
  the configuration; it contains the private key, so keep it secret

Next steps:
  1. In the Box developer console, open the Configuration tab of your app (Server Authentication with JWT).
  2. Under "Add and Manage Public Keys", add ${publicPath}. Box then shows the ID of the key.
  3. Fill in the placeholders in config.json. Each one says where to find its value.
  4. Check it: npx nestjs-box-auth doctor ${configPath}${doctorOption}
${ownPassphrase === undefined ? unusedVariableWarning(context) : ''}`);
  return 0;
}

/** The variable takes precedence over the passphrase in config.json, and would not open this key. */
function unusedVariableWarning({ env }: CliContext): string {
  if (!env[PASSPHRASE_VARIABLE]?.trim()) return '';
  return `
Warning: ${PASSPHRASE_VARIABLE} is set but was not used: this key has its own passphrase.
  The doctor and your app would try the variable first and fail. Fix: unset ${PASSPHRASE_VARIABLE}
  Or generate the key with it: keygen --passphrase-env ${PASSPHRASE_VARIABLE}
`;
}

/** Generates a key pair for Workfront: the private key, and the certificate of the public key. */
export async function workfrontKeygen(
  request: WorkfrontKeygenRequest,
  context: CliContext,
): Promise<ExitCode> {
  const { bits, passphraseEnv, encrypted, days, commonName } = request;
  if (encrypted && passphraseEnv === undefined) {
    throw usageError(
      '--encrypted requires a passphrase.',
      'Set a variable to the passphrase and name it: --passphrase-env NAME.',
    );
  }
  const passphrase =
    passphraseEnv === undefined ? undefined : newPassphraseIn(context.env, passphraseEnv);

  const folder = resolve(context.cwd, request.out);
  // The file names of the command in Adobe's documentation.
  const [keyPath, certificatePath] = pathsOfNewFiles(folder, [
    'private.key',
    'certificate_pub.crt',
  ]);

  const { privateKey } = await newKeyPair(bits);
  const keyPem = privateKeyPem(privateKey, passphrase);
  const notBefore = context.runtime.now();
  const certificate = selfSignedCertificate({ privateKey, commonName, notBefore, days });
  writeNewFiles([
    { path: keyPath, content: keyPem, isSecret: true },
    { path: certificatePath, content: certificate, isSecret: false },
  ]);
  const state = passphrase === undefined ? 'not encrypted' : 'encrypted with your passphrase';
  context.stdout.write(`${keyPath}
  the private key: RSA, ${bits} bits, ${state}
${certificatePath}
  the certificate of the public key, valid for ${days} days

Next steps:
  1. In Workfront, as an administrator, open Setup > System > OAuth2 Applications and your app.
  2. Add the public key: ${certificatePath}
  3. Pass the private key to your app as the option privateKey.
`);
  return 0;
}
