import { createRequire } from 'node:module';
import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { isBoxId } from '../box/credentials/box-id.js';
import { isRecord } from '../core/credentials/field-checks.js';
import { looksLikePath } from '../core/credentials/credentials-errors.js';
import { BoxAuthError } from '../core/errors/box-auth.error.js';
import { sanitizedCause } from '../core/errors/redact.js';
import { type CliContext, type ExitCode, CliError } from './cli-context.js';
import { paintFor } from './terminal-text.js';
import { doctor, refusedReport } from './doctor/doctor.command.js';
import type { DoctorRequest } from './doctor/configuration.js';
import { emulate } from './emulate/emulate.command.js';
import { KEY_SIZES, type KeySize } from './rsa-key.js';
import { keygen, workfrontKeygen } from './keygen/keygen.command.js';
import { PASSPHRASE_VARIABLE } from './variables.js';

/** Runs a command line, without `node` and the name of the script. Never rejects. */
export async function runProgram(args: readonly string[], context: CliContext): Promise<ExitCode> {
  let exitCode: ExitCode = 0;
  const program = programOf(context, (code) => (exitCode = code));
  try {
    await program.parseAsync(args, { from: 'user' });
    return exitCode;
  } catch (error) {
    // Commander has told it already; asking for help is no mistake.
    if (error instanceof CommanderError && error.exitCode === 0) return 0;
    if (isForPrograms(args)) writeRefusal(error, args, context);
    if (error instanceof CommanderError) return 2;
    context.stderr.write(told(error, context));
    return error instanceof CliError ? error.exitCode : 1;
  }
}

/** Judged by what was typed: the options may be what was not understood. */
function isForPrograms([command, ...options]: readonly string[]): boolean {
  return command === 'doctor' && options.includes('--json');
}

function writeRefusal(error: unknown, args: readonly string[], { stdout }: CliContext): void {
  const offline = args.includes('--offline');
  if (error instanceof CliError) stdout.write(refusedReport(error, offline));
  if (error instanceof CommanderError) {
    const message = withoutValues(error.message).replace(/^error: /, '');
    stdout.write(refusedReport({ message, hint: 'See nestjs-box-auth doctor --help.' }, offline));
  }
}

type Done = (code: ExitCode) => void;

function programOf(context: CliContext, done: Done): Command {
  const { stdout, stderr } = context;
  const program = new Command('nestjs-box-auth')
    .description('Looks at Box credentials, makes keys, and runs an emulator of Box.')
    .exitOverride()
    .configureOutput({
      writeOut: (text) => stdout.write(text),
      writeErr: (text) => stderr.write(text),
      outputError: (text, write) => write(withoutValues(text)),
      getOutHasColors: () => false,
      getErrHasColors: () => false,
    })
    .version(packageVersion(), '-V, --version', 'print the version');
  addDoctor(program, context, done);
  addKeygen(program, context, done);
  addEmulate(program, context, done);
  return program;
}

function addDoctor(program: Command, context: CliContext, done: Done): void {
  program
    .command('doctor')
    .summary('look at the credentials, step by step, and at what Box says of them')
    .description(
      'Reads the credentials as BoxAuthModule.forRoot() does, from the environment or from config.json, gets a token with them and asks Box whose it is. Stops at the first thing that is wrong, with its cause and its remedy.',
    )
    .argument('[config.json]', 'default: BOX_CONFIG_FILE, BOX_CONFIG or BOX_CLIENT_ID and its like')
    .option('--as-user <id>', 'make a call for this user, too', userId)
    .option('--offline', 'look at what needs no network', false)
    .option('--json', 'print one JSON document', false)
    .option('--api-url <url>', 'where Box is (default: BOX_API_URL, or https://api.box.com)')
    .option('--dotenv <file>', 'read variables from this .env file, too')
    .addOption(passphraseEnv(`(default: ${PASSPHRASE_VARIABLE})`))
    .addOption(refusedPassphrase())
    .action(
      async (
        configFile: string | undefined,
        options: Omit<DoctorRequest, 'configFile'> & { json: boolean },
      ) => done(await doctor({ ...options, configFile }, context)),
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

function addKeygen(program: Command, context: CliContext, done: Done): void {
  program
    .command('keygen')
    .summary('make a key pair, and a config.json to fill in')
    .description(
      'Makes an RSA key pair: public.pem, private.pem (PKCS#8, encrypted) and a config.json that says what is to be filled in. With --workfront: private.key and certificate_pub.crt, as Workfront wants them. Overwrites nothing.',
    )
    .option('--out <folder>', 'where the files go', newPath, '.')
    .addOption(
      new Option('--bits <size>', `size of the key: ${KEY_SIZES.join(', ')}`)
        .default(2048)
        .argParser(keySize),
    )
    .addOption(passphraseEnv('(default: a new one, which config.json then has)'))
    .addOption(refusedPassphrase())
    .option('--workfront', 'make a private key and a certificate for Adobe Workfront', false)
    .option('--encrypted', 'with --workfront: encrypt the private key; needs --passphrase-env')
    .option(
      '--days <number>',
      'with --workfront: how long the certificate is valid (default: 3650)',
      days,
    )
    .option(
      '--common-name <name>',
      'with --workfront: its CN (default: nestjs-box-auth)',
      commonName,
    )
    .action(async (options: KeygenOptions, command: Command) => {
      const {
        encrypted = false,
        days: validity = 3650,
        commonName: name = 'nestjs-box-auth',
      } = options;
      if (!options.workfront) {
        const lone = ['encrypted', 'days', 'commonName'].find(
          (option) => command.getOptionValue(option) !== undefined,
        );
        if (lone !== undefined) command.error(`error: --${kebab(lone)} goes with --workfront`);
        return done(await keygen(options, context));
      }
      const request = { ...options, encrypted, days: validity, commonName: name };
      return done(await workfrontKeygen(request, context));
    });
}

interface EmulateOptions {
  readonly port: number;
  readonly config: string | undefined;
  readonly writeConfig: string | undefined;
  readonly tokenLifetime: number;
}

function addEmulate(program: Command, context: CliContext, done: Done): void {
  program
    .command('emulate')
    .summary('run an emulator of Box on this machine')
    .description(
      'Runs BoxEmulator of nestjs-box-auth/testing on 127.0.0.1 until Ctrl-C: as strict as Box is documented to be, with two users, folders and files. Everything in it is gone when it ends.',
    )
    .option('--port <number>', 'its port; 0 for a free one', port, 0)
    .addOption(
      new Option('--config <file>', 'emulate the app of this config.json').conflicts('writeConfig'),
    )
    .option('--write-config <file>', "write the app's config.json, readable by you only", newPath)
    .option('--token-lifetime <seconds>', 'how long access tokens live', seconds, 3600)
    .action(async ({ tokenLifetime, ...options }: EmulateOptions) =>
      done(await emulate({ ...options, tokenLifetimeS: tokenLifetime }, context)),
    );
}

function passphraseEnv(otherwise: string): Option {
  return new Option(
    '--passphrase-env <NAME>',
    `the variable that the passphrase is in ${otherwise}`,
  );
}

/** An argument can be read by everybody on the machine, and stays in the history of the shell. */
function refusedPassphrase(): Option {
  return new Option('--passphrase [value]').hideHelp().argParser(() => {
    throw new CliError(
      'A passphrase is never taken as an argument: others on this machine could read it.',
      `Put it into ${PASSPHRASE_VARIABLE}, or into a variable that --passphrase-env names.`,
      2,
    );
  });
}

function userId(text: string): string {
  if (isBoxId(text)) return text;
  throw new InvalidArgumentError(
    'A Box user id is 1 to 20 digits and does not begin with 0; a login or a name is not one.',
  );
}

/** What is to be made is named in the output: a token in its place must not be. */
function newPath(text: string): string {
  const isToken = /^(?=.*[A-Z])(?=.*[0-9])[\w+=!.-]{20,}$/.test(text);
  if (!isToken || looksLikePath(text)) return text;
  throw new InvalidArgumentError('It looks like a secret. If it is a name, write ./ before it.');
}

function keySize(text: string): KeySize {
  const size = KEY_SIZES.find((bits) => String(bits) === text);
  if (size !== undefined) return size;
  throw new InvalidArgumentError(`It is one of ${KEY_SIZES.join(', ')}.`);
}

const port = wholeNumber(0, 65_535);
const days = wholeNumber(1, 36_500);
const seconds = wholeNumber(1, 86_400);

function wholeNumber(least: number, most: number): (text: string) => number {
  return (text) => {
    const number = /^\d{1,9}$/.test(text) ? Number(text) : NaN;
    if (number >= least && number <= most) return number;
    throw new InvalidArgumentError(`It is a whole number from ${least} to ${most}.`);
  };
}

function commonName(text: string): string {
  // RFC 5280 appendix A.1, ub-common-name.
  if (text.length <= 64 && /^[^\p{C}]*\S[^\p{C}]*$/u.test(text)) return text;
  throw new InvalidArgumentError('It is a text of 1 to 64 characters.');
}

function kebab(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

/** What was typed may be a secret in the wrong place: Commander's messages repeat it. */
function withoutValues(text: string): string {
  return text
    .replace(/(unknown option '(?:--[a-z-]*|-\w?))[^]*'/, "$1'")
    .replace(/ argument '[^]*' is invalid/, ' argument is invalid')
    .replace(/unknown command '[^]*'/, 'unknown command');
}

function told(error: unknown, { stderr, env }: CliContext): string {
  const paint = paintFor(stderr, env);
  if (error instanceof CliError) {
    return `${paint('red', error.message)}\n${error.hint}\n`;
  }
  if (error instanceof BoxAuthError) {
    return `${paint('red', error.message)}\n${error.hint}\n${error.docs}\n`;
  }
  const { name, message } = sanitizedCause(error);
  return `${paint('red', `Something went wrong that should not: ${name}: ${message}`)}\n`;
}

/** Of the package that this file is in, wherever it is built to. */
function packageVersion(): string {
  const manifest: unknown = createRequire(import.meta.url)('nestjs-box-auth/package.json');
  return isRecord(manifest) ? String(manifest['version']) : '';
}
