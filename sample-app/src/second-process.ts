import { type ChildProcess, fork } from 'node:child_process';
import { shareBox } from './emulated-box/linked-box.js';
import { type Environment, portIn } from './environment.js';
import { type EmulatedPortal, HOST, type SharedEmulator } from './settings.js';
import { type PortalOptions } from './portal.options.js';

/** The argument of the second process. */
export const SECOND = '--second';

/** The address of the second process; undefined if it chooses a free port. */
export function secondAddress(environment: Environment): string | undefined {
  const port = portIn(environment);
  return port === 0 ? undefined : `http://${HOST}:${port + 1}`;
}

/** Starts this program once more, at the next port. It ends with this process. */
export function startSecondProcess(
  program: string,
  environment: Environment,
  portal: PortalOptions | EmulatedPortal,
): ChildProcess {
  const port = portIn(environment);
  const shared = 'shared' in portal ? { SHARED_EMULATOR: JSON.stringify(portal.shared) } : {};
  const other = port === 0 ? {} : { OTHER_PROCESS: `http://${HOST}:${port}` };
  const child = fork(program, [SECOND], {
    env: {
      ...environment,
      ...shared,
      ...other,
      PROCESSES: '1',
      PORT: String(port === 0 ? 0 : port + 1),
    },
  });
  if ('shared' in portal) shareBox(portal.emulatedBox, child);
  return child;
}

/** The emulator of the first process; undefined in the first process. */
export function sharedEmulatorIn({ SHARED_EMULATOR }: Environment): SharedEmulator | undefined {
  if (SHARED_EMULATOR === undefined) return undefined;
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- written by the first process
  return JSON.parse(SHARED_EMULATOR) as SharedEmulator;
}
