import { randomBytes } from 'node:crypto';
import { resolve } from 'node:path';
import { type CliContext, type ExitCode, usageError } from '../cli-context.js';
import { configSkeleton } from '../config-skeleton.js';
import { newPassphraseIn, PASSPHRASE_VARIABLE } from '../variables.js';
import { type KeySize, newKeyPair, privateKeyPem, publicKeyPem } from '../rsa-key.js';
import { pathsOfNewFiles, writeNewFiles } from '../new-files.js';
import { selfSignedCertificate } from './self-signed-certificate.js';

export interface KeygenRequest {
  /** The folder that the files go to. */
  readonly out: string;
  readonly bits: KeySize;
  /** The name of the variable that the passphrase is in; without it one is made up. */
  readonly passphraseEnv: string | undefined;
}

export interface WorkfrontKeygenRequest extends KeygenRequest {
  readonly encrypted: boolean;
  readonly days: number;
  readonly commonName: string;
}

/** A key pair for Box, and a `config.json` that lacks what only the developer console knows. */
export async function keygen(request: KeygenRequest, context: CliContext): Promise<ExitCode> {
  const { bits, passphraseEnv } = request;
  const given =
    passphraseEnv === undefined ? undefined : newPassphraseIn(context.env, passphraseEnv);
  const passphrase = given ?? randomBytes(24).toString('base64url');
  const folder = resolve(context.cwd, request.out);
  const [privatePath, publicPath, configPath] = pathsOfNewFiles(folder, [
    'private.pem',
    'public.pem',
    'config.json',
  ]);

  const pair = await newKeyPair(bits);
  const privateKey = privateKeyPem(pair.privateKey, passphrase);
  const config = configSkeleton(privateKey, given === undefined ? passphrase : undefined);
  writeNewFiles([
    { path: privatePath, content: privateKey, isSecret: true },
    { path: publicPath, content: publicKeyPem(pair.publicKey), isSecret: false },
    { path: configPath, content: config, isSecret: true },
  ]);
  const where =
    given === undefined
      ? 'its passphrase is in config.json'
      : 'encrypted with the passphrase given, which stands in none of these files';
  const check =
    given === undefined || passphraseEnv === PASSPHRASE_VARIABLE
      ? ''
      : ` --passphrase-env ${passphraseEnv}`;
  context.stdout.write(`${privatePath}
  the private key, RSA, ${bits} bits; ${where}
${publicPath}
  the public key
${configPath}
  the configuration, with the private key in it: as secret as that

What to do next:
  1. In the Box developer console open your app (Server Authentication with JWT) and its Configuration tab.
  2. Under "Add and Manage Public Keys" add ${publicPath}; Box then shows the ID of the key.
  3. Fill in what config.json says is to be filled in.
  4. npx nestjs-box-auth doctor ${configPath}${check}
${given === undefined ? unusedVariable(context) : ''}`);
  return 0;
}

/** The variable goes before the passphrase in config.json, and would not open this key. */
function unusedVariable({ env }: CliContext): string {
  if (!env[PASSPHRASE_VARIABLE]?.trim()) return '';
  return `
${PASSPHRASE_VARIABLE} is set, and was not used: this key has a passphrase of its own.
  The doctor and your app would try the variable first. Unset it for them: unset ${PASSPHRASE_VARIABLE}
  Or make the key with it: keygen --passphrase-env ${PASSPHRASE_VARIABLE}
`;
}

/** A key pair for Workfront: the private key, and the certificate that its page wants. */
export async function workfrontKeygen(
  request: WorkfrontKeygenRequest,
  context: CliContext,
): Promise<ExitCode> {
  const { bits, passphraseEnv, encrypted, days, commonName } = request;
  if (encrypted && passphraseEnv === undefined) {
    throw usageError(
      '--encrypted needs a passphrase.',
      'Put it into a variable, and name that: --passphrase-env NAME.',
    );
  }
  const passphrase =
    passphraseEnv === undefined ? undefined : newPassphraseIn(context.env, passphraseEnv);

  const folder = resolve(context.cwd, request.out);
  // As the command in Adobe's documentation calls them.
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
  const state = passphrase === undefined ? 'not encrypted' : 'encrypted with the passphrase given';
  context.stdout.write(`${keyPath}
  the private key, RSA, ${bits} bits, ${state}
${certificatePath}
  the certificate of the public key, for ${days} days

What to do next:
  1. In Workfront, as an administrator, open Setup > System > OAuth2 Applications and your app.
  2. Add the public key: ${certificatePath}
  3. Give the private key to the app as privateKey.
`);
  return 0;
}
