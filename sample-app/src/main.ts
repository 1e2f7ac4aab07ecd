import { fileURLToPath } from 'node:url';
import { ConsoleLogger } from '@nestjs/common';
import { BoxAuthError } from 'nestjs-box-auth';
import { createApp } from './create-app.js';
import { type Environment, platformIn, portIn, processesIn, SettingsError } from './environment.js';
import { type PortalOptions } from './portal.options.js';
import { SECOND, secondAddress, sharedEmulatorIn, startSecondProcess } from './second-process.js';
import { hasCredentials, HOST, onEmulator, onRealBox, onSharedEmulator } from './settings.js';
import { welcome } from './welcome.js';

async function start(): Promise<void> {
  const { env } = process;
  const platform = platformIn(env);
  const port = portIn(env);
  const hasSecond = processesIn(env) === 2;
  const otherProcess = hasSecond ? secondAddress(env) : env['OTHER_PROCESS'];
  const portal = await portalIn({ ...env, OTHER_PROCESS: otherProcess });

  // Start-up errors are reported below, in one line.
  const app = await createApp(platform, portal, { logger: false });
  await app.listen(port, HOST);
  const url = await app.getUrl();
  portal.onListening?.(url);
  app.useLogger(new ConsoleLogger({ logLevels: ['error', 'warn'] }));
  app.enableShutdownHooks([], { useProcessExit: true });

  if (process.argv.includes(SECOND)) {
    console.log(`The second process listens at ${url}`);
    process.once('disconnect', () => process.exit());
    return;
  }
  const { names } = portal.users;
  console.log(welcome({ url, platform, onEmulator: !hasCredentials(env), names }));
  if (hasSecond) startSecondProcess(fileURLToPath(import.meta.url), env, portal);
}

function portalIn(environment: Environment): Promise<PortalOptions> {
  if (hasCredentials(environment)) return onRealBox(environment);
  const shared = sharedEmulatorIn(environment);
  return shared === undefined
    ? onEmulator(environment)
    : onSharedEmulator(environment, shared, process);
}

/** Returns one line for an error that the user can fix; any other error is a bug and keeps its stack. */
function startupMessage(error: unknown): unknown {
  if (error instanceof BoxAuthError) return `${error.message} Fix: ${error.hint}`;
  if (error instanceof SettingsError) return error.message;
  if (error instanceof Error && 'code' in error && error.code === 'EADDRINUSE') {
    return `Port ${portIn(process.env)} is in use. Fix: choose another port, such as PORT=3001 npm start`;
  }
  return error;
}

try {
  await start();
} catch (error) {
  console.error(startupMessage(error));
  // The emulator may be running already and would keep the process alive.
  process.exit(1);
}
