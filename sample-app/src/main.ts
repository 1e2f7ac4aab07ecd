import { ConsoleLogger } from '@nestjs/common';
import { BoxAuthError } from 'nestjs-box-auth';
import { createApp } from './create-app.js';
import {
  hasCredentials,
  onEmulator,
  onRealBox,
  platformIn,
  portIn,
  SettingsError,
} from './settings.js';
import { welcome } from './welcome.js';

// Whoever can reach the app can sign in as anybody, so only this machine can.
const HOST = '127.0.0.1';

async function start(): Promise<void> {
  const { env } = process;
  const platform = platformIn(env);
  const port = portIn(env);
  const isReal = hasCredentials(env);
  const portal = isReal ? onRealBox(env) : await onEmulator(env);

  // What goes wrong up to here is explained below, in one line.
  const app = await createApp(platform, portal, { logger: false });
  await app.listen(port, HOST);
  app.useLogger(new ConsoleLogger({ logLevels: ['error', 'warn'] }));
  app.enableShutdownHooks([], { useProcessExit: true });

  const { names } = portal.users;
  console.log(welcome({ url: await app.getUrl(), platform, onEmulator: !isReal, names }));
}

/** One line for what its reader can mend; anything else is a mistake of ours and keeps its stack. */
function explain(error: unknown): unknown {
  if (error instanceof BoxAuthError) return `${error.message} ${error.hint}`;
  if (error instanceof SettingsError) return error.message;
  if (error instanceof Error && 'code' in error && error.code === 'EADDRINUSE') {
    return `Port ${portIn(process.env)} is taken. Choose another one: PORT=3001 npm start`;
  }
  return error;
}

try {
  await start();
} catch (error) {
  console.error(explain(error));
  // The emulator may be running already.
  process.exit(1);
}
