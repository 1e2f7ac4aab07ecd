import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { isBoxId } from '../box/credentials/box-id.js';
import { looksLikePath } from '../core/credentials/credentials-errors.js';
import { BoxAuthError } from '../core/errors/box-auth.error.js';
import { sanitizedCause } from '../core/errors/redact.js';
import { PACKAGE_VERSION } from '../core/runtime/package-version.js';
import { type CliContext, type ExitCode, CliError } from './cli-context.js';
import { RedirectUris } from '../testing/box/oauth/redirect-uris.js';
import { paintFor } from './terminal-text.js';
import { addConnections } from './connections/connections.command.js';
import { doctor, usageErrorReport } from './doctor/doctor.command.js';
import type { DoctorRequest } from './doctor/configuration.js';
import { emulate } from './emulate/emulate.command.js';
import { KEY_SIZES, type KeySize } from './rsa-key.js';
import { keygen, workfrontKeygen } from './keygen/keygen.command.js';
import { PASSPHRASE_VARIABLE } from './variables.js';

/** Runs a command line, given without `node` and the script name. Never rejects. */
export async function runProgram(args: readonly string[], context: CliContext): Promise<ExitCode> {
  let exitCode: ExitCode = 0;
  const program = programOf(context, (code) => (exitCode = code));
  try {
    await program.parseAsync(args, { from: 'user' });
    return exitCode;
  } catch (error) {
    // Commander has printed its own errors. Requesting help is not an error.
    if (error instanceof CommanderError && error.exitCode === 0) return 0;
    if (wantsJson(args)) writeJsonError(error, args, context);
    if (error instanceof CommanderError) return 2;
    context.stderr.write(formatError(error, context));
    return error instanceof CliError ? error.exitCode : 1;
  }
}

/** Reads the raw arguments, because Commander may have failed to parse the options. */
function wantsJson([command, ...options]: readonly string[]): boolean {
  return command === 'doctor' && options.includes('--json');
}

function writeJsonError(error: unknown, args: readonly string[], { stdout }: CliContext): void {
  const offline = args.includes('--offline');
  if (error instanceof CliError) stdout.write(usageErrorReport(error, offline));
  if (error instanceof CommanderError) {
    const message = withoutValues(error.message).replace(/^error: /, '');
    stdout.write(
      usageErrorReport({ message, hint: 'See nestjs-box-auth doctor --help.' }, offline),
    );
  }
}

type SetExitCode = (code: ExitCode) => void;

function programOf(context: CliContext, setExitCode: SetExitCode): Command {
  const { stdout, stderr } = context;
  const program = new Command('nestjs-box-auth')
    .description(
      'Checks Box credentials, generates keys, runs a Box emulator and prints the tables for connections.',
    )
    .exitOverride()
    .configureOutput({
      writeOut: (text) => stdout.write(text),
      writeErr: (text) => stderr.write(text),
      outputError: (text, write) => write(withoutValues(text)),
      getOutHasColors: () => false,
      getErrHasColors: () => false,
    })
    .version(PACKAGE_VERSION, '-V, --version', 'print the version');
  addDoctor(program, context, setExitCode);
  addKeygen(program, context, setExitCode);
  addEmulate(program, context, setExitCode);
  addConnections(program, context);
  return program;
}

function addDoctor(program: Command, context: CliContext, setExitCode: SetExitCode): void {
  program
    .command('doctor')
    .summary('check Box credentials step by step')
    .description(
      'Reads credentials from config.json or the environment, like BoxAuthModule.forRoot(). Requests a token and asks Box which user it belongs to. Also checks the OAuth app in BOX_OAUTH_CLIENT_ID etc. Stops at the first problem and explains how to fix it.',
    )
    .argument('[config.json]', 'default: BOX_CONFIG_FILE, BOX_CONFIG, or BOX_CLIENT_ID etc.')
    .option('--as-user <id>', 'also make a call for this user', userId)
    .option('--offline', 'run only the checks that need no network', false)
    .option('--json', 'print one JSON document', false)
    .option('--api-url <url>', 'base URL of Box (default: BOX_API_URL or https://api.box.com)')
    .option('--dotenv <file>', 'also read variables from this .env file')
    .addOption(passphraseEnv(`(default: ${PASSPHRASE_VARIABLE})`))
    .addOption(refusedPassphrase())
    .action(
      async (
        configFile: string | undefined,
        options: Omit<DoctorRequest, 'configFile'> & { json: boolean },
      ) => setExitCode(await doctor({ ...options, configFile }, context)),
    );
}

interface KeygenOptions {
  readonly out: string;
  readonly bits: KeySize;
  readonly passphraseEnv: string | undefined;
  readonly workfront: boolean;
  readonly encrypted?: boolean;
  readonly days?: number;
  readonly commonName?: string;
}

function addKeygen(program: Command, context: CliContext, setExitCode: SetExitCode): void {
  program
    .command('keygen')
    .summary('generate a key pair and a config.json template')
    .description(
      'Generates an RSA key pair: public.pem, private.pem (PKCS#8, encrypted) and a config.json with placeholders. With --workfront: private.key and certificate_pub.crt for Adobe Workfront. Never overwrites a file.',
    )
    .option('--out <folder>', 'folder for the files', newPath, '.')
    .addOption(
      new Option('--bits <size>', `key size: ${KEY_SIZES.join(', ')}`)
        .default(2048)
        .argParser(keySize),
    )
    .addOption(passphraseEnv('(default: a generated passphrase, stored in config.json)'))
    .addOption(refusedPassphrase())
    .option('--workfront', 'generate a private key and a certificate for Adobe Workfront', false)
    .option('--encrypted', 'with --workfront: encrypt the private key (requires --passphrase-env)')
    .option(
      '--days <number>',
      'with --workfront: validity of the certificate (default: 3650)',
      days,
    )
    .option(
      '--common-name <name>',
      'with --workfront: CN of the certificate (default: nestjs-box-auth)',
      commonName,
    )
    .action(async (options: KeygenOptions, command: Command) => {
      const {
        encrypted = false,
        days: validity = 3650,
        commonName: name = 'nestjs-box-auth',
      } = options;
      if (!options.workfront) {
        const misplaced = ['encrypted', 'days', 'commonName'].find(
          (option) => command.getOptionValue(option) !== undefined,
        );
        if (misplaced !== undefined) {
          command.error(`error: --${kebab(misplaced)} requires --workfront`);
        }
        return setExitCode(await keygen(options, context));
      }
      const request = { ...options, encrypted, days: validity, commonName: name };
      return setExitCode(await workfrontKeygen(request, context));
    });
}

interface EmulateOptions {
  readonly port: number;
  readonly config: string | undefined;
  readonly writeConfig: string | undefined;
  readonly tokenLifetime: number;
  readonly enterprise: readonly string[];
  readonly redirectUri: readonly string[];
}

function addEmulate(program: Command, context: CliContext, setExitCode: SetExitCode): void {
  program
    .command('emulate')
    .summary('run a Box emulator on this machine')
    .description(
      'Runs BoxEmulator of nestjs-box-auth/testing on 127.0.0.1 until Ctrl-C. It is as strict as Box is documented to be, and has two users with folders and files. All data is lost when it stops.',
    )
    .option('--port <number>', 'port to listen on; 0 for a free port', port, 0)
    .addOption(
      new Option('--config <file>', 'emulate the app of this config.json').conflicts('writeConfig'),
    )
    .option('--write-config <file>', "write the app's config.json, readable only by you", newPath)
    .option('--token-lifetime <seconds>', 'lifetime of access tokens', seconds, 3600)
    .option(
      '--enterprise <id>',
      'add an enterprise that has authorized the app, with a user; repeatable',
      enterpriseIds,
      [],
    )
    .option(
      '--redirect-uri <uri>',
      'redirect URI of the OAuth app; repeatable. Default: http://localhost:3000/box/callback',
      redirectUris,
      [],
    )
    .action(async ({ tokenLifetime, ...options }: EmulateOptions) =>
      setExitCode(await emulate({ ...options, tokenLifetimeS: tokenLifetime }, context)),
    );
}

function passphraseEnv(defaultText: string): Option {
  return new Option(
    '--passphrase-env <NAME>',
    `name of the variable with the passphrase ${defaultText}`,
  );
}

/** Other users of the machine can read an argument, and the shell history keeps it. */
function refusedPassphrase(): Option {
  return new Option('--passphrase [value]').hideHelp().argParser(() => {
    throw new CliError(
      'The passphrase must not be an argument: other users of this machine could read it.',
      `Set ${PASSPHRASE_VARIABLE}, or name another variable with --passphrase-env.`,
      2,
    );
  });
}

function userId(text: string): string {
  if (isBoxId(text)) return text;
  throw new InvalidArgumentError(
    'Expected a Box user id: 1 to 20 digits that do not start with 0. A login or a name is not accepted.',
  );
}

function enterpriseIds(text: string, previous: readonly string[]): readonly string[] {
  if (isBoxId(text) && !previous.includes(text)) return [...previous, text];
  throw new InvalidArgumentError(
    'Expected a Box enterprise id, each once: 1 to 20 digits that do not start with 0.',
  );
}

function redirectUris(text: string, previous: readonly string[]): readonly string[] {
  try {
    return new RedirectUris([...previous, text]).all;
  } catch {
    throw new InvalidArgumentError(
      'Expected an absolute URL without a fragment, and https except on loopback, each once.',
    );
  }
}

/** The output prints the path, so a token entered by mistake must be rejected. */
function newPath(text: string): string {
  const isToken = /^(?=.*[A-Z])(?=.*[0-9])[\w+=!.-]{20,}$/.test(text);
  if (!isToken || looksLikePath(text)) return text;
  throw new InvalidArgumentError(
    'The value looks like a secret. If it is a file name, put ./ in front of it.',
  );
}

function keySize(text: string): KeySize {
  const size = KEY_SIZES.find((bits) => String(bits) === text);
  if (size !== undefined) return size;
  throw new InvalidArgumentError(`Expected one of ${KEY_SIZES.join(', ')}.`);
}

const port = wholeNumber(0, 65_535);
const days = wholeNumber(1, 36_500);
const seconds = wholeNumber(1, 86_400);

function wholeNumber(min: number, max: number): (text: string) => number {
  return (text) => {
    const number = /^\d{1,9}$/.test(text) ? Number(text) : NaN;
    if (number >= min && number <= max) return number;
    throw new InvalidArgumentError(`Expected a whole number from ${min} to ${max}.`);
  };
}

function commonName(text: string): string {
  // RFC 5280 appendix A.1, ub-common-name.
  if (text.length <= 64 && /^[^\p{C}]*\S[^\p{C}]*$/u.test(text)) return text;
  throw new InvalidArgumentError('Expected 1 to 64 printable characters.');
}

function kebab(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

/** Removes the values that Commander's messages repeat: one may be a misplaced secret. */
function withoutValues(text: string): string {
  return text
    .replace(/(unknown option '(?:--[a-z-]*|-\w?))[^]*'/, "$1'")
    .replace(/ argument '[^]*' is invalid/, ' argument is invalid')
    .replace(/unknown command '[^]*'/, 'unknown command');
}

function formatError(error: unknown, { stderr, env }: CliContext): string {
  const paint = paintFor(stderr, env);
  if (error instanceof CliError) {
    return `${paint('red', error.message)}\nFix: ${error.hint}\n`;
  }
  if (error instanceof BoxAuthError) {
    return `${paint('red', error.message)}\nFix: ${error.hint}\nDocs: ${error.docs}\n`;
  }
  const { name, message } = sanitizedCause(error);
  return `${paint('red', `Unexpected error, probably a bug: ${name}: ${message}`)}\n`;
}
