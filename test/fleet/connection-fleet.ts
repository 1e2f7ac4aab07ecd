import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { rolldown } from 'rolldown';
import type { MemberOptions, MemberReport } from './connection-messages.js';

const PROGRAM = fileURLToPath(new URL('./connection-member.ts', import.meta.url));

/** Node processes of an app with connections. A killed one is replaced at once. */
export class ConnectionFleet {
  readonly failures = new Map<string, number>();
  calls = 0;
  kills = 0;
  readonly #members: ChildProcess[] = [];

  private constructor(
    private readonly folder: string,
    private readonly options: MemberOptions,
  ) {}

  static async start(size: number, options: MemberOptions): Promise<ConnectionFleet> {
    const folder = await mkdtemp(join(tmpdir(), 'nestjs-box-auth-fleet-'));
    const bundle = await rolldown({
      input: PROGRAM,
      platform: 'node',
      logLevel: 'silent',
      external: ['pg-native'],
      resolve: { extensionAlias: { '.js': ['.ts', '.js'] } },
    });
    await bundle.write({ file: join(folder, 'member.mjs'), format: 'esm', codeSplitting: false });
    await bundle.close();
    const fleet = new ConnectionFleet(folder, options);
    for (let count = 0; count < size; count++) fleet.#spawn();
    return fleet;
  }

  get summary(): object {
    const { calls, kills, failures } = this;
    return { calls, kills, failures: Object.fromEntries(failures) };
  }

  /** Kills a random member with SIGKILL, and starts another one. */
  killOne(): void {
    const [member] = this.#members.splice(Math.floor(Math.random() * this.#members.length), 1);
    member?.kill('SIGKILL');
    this.kills += 1;
    this.#spawn();
  }

  /** Lets every member finish its calls. */
  async stop(): Promise<void> {
    await Promise.all(
      this.#members.splice(0).map(async (member) => {
        const exited = once(member, 'exit');
        member.send('stop');
        await exited;
      }),
    );
  }

  async end(): Promise<void> {
    for (const member of this.#members) member.kill('SIGKILL');
    await rm(this.folder, { recursive: true });
  }

  #spawn(): void {
    const env = Object.fromEntries(
      Object.entries(process.env).filter(([name]) => !/^(?:VITEST|BOX_|NODE_)/.test(name)),
    );
    const file = join(this.folder, 'member.mjs');
    const member = fork(file, [JSON.stringify(this.options)], { execArgv: [], env });
    member.on('message', ({ calls, failures }: MemberReport) => {
      this.calls += calls;
      for (const failure of failures) {
        this.failures.set(failure, (this.failures.get(failure) ?? 0) + 1);
      }
    });
    this.#members.push(member);
  }
}
