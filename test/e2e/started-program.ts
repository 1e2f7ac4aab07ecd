import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';

export interface Ending {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** A Node program in its own process group, as in a terminal. */
export class StartedProgram {
  readonly ended: Promise<Ending>;
  #output = '';
  #errors = '';
  readonly #child: ChildProcess;

  static start(
    args: readonly string[],
    cwd: string,
    environment: Readonly<Record<string, string>> = {},
  ): StartedProgram {
    const child = spawn(process.execPath, args, {
      cwd,
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...cleanEnvironment(), ...environment },
    });
    return new StartedProgram(child);
  }

  private constructor(child: ChildProcess) {
    this.#child = child;
    child.stdout?.setEncoding('utf8').on('data', (text: string) => (this.#output += text));
    child.stderr?.setEncoding('utf8').on('data', (text: string) => (this.#errors += text));
    this.ended = new Promise((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (code, signal) => resolve({ code, signal }));
    });
  }

  get output(): string {
    return this.#output;
  }

  get errors(): string {
    return this.#errors;
  }

  /** Waits for a text; fails if the program ends without printing it. */
  async untilPrinted(text: string): Promise<void> {
    const hasEnded = this.ended.then(() => true);
    while (!this.#output.includes(text)) {
      const isOver = await Promise.race([this.#nextOutput().then(() => false), hasEnded]);
      if (isOver && !this.#output.includes(text)) {
        throw new Error(`The program ended early:\n${this.#output}\n${this.#errors}`);
      }
    }
  }

  /** Sends Ctrl-C, which a terminal sends to the whole group. */
  interrupt(): Promise<Ending> {
    this.#signal('SIGINT');
    return this.ended;
  }

  /** Kills the group if it still exists. */
  kill(): void {
    this.#signal('SIGKILL');
  }

  async #nextOutput(): Promise<void> {
    if (this.#child.stdout !== null) await once(this.#child.stdout, 'data');
  }

  #signal(signal: NodeJS.Signals): void {
    if (this.#child.pid === undefined) return;
    try {
      process.kill(-this.#child.pid, signal);
    } catch {
      // The group has exited already.
    }
  }
}

/** Removes variables that would select another Box or another port. */
function cleanEnvironment(): NodeJS.ProcessEnv {
  return Object.fromEntries(
    Object.entries({ ...process.env, NO_COLOR: '1' }).filter(
      ([name]) =>
        !/^(?:BOX_|VITEST|PORT$|PLATFORM$|DEMO_USERS$|DATABASE_URL$|REDIS_URL$|PROCESSES$|OTHER_PROCESS$|SHARED_EMULATOR$|NODE_ENV$|FORCE_COLOR$)/.test(
          name,
        ),
    ),
  );
}
