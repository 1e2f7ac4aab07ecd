import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { rolldown } from 'rolldown';
import type { MemberMessage, Order, Report, SharedRedis } from './messages.js';

const PROGRAM = fileURLToPath(new URL('./member.ts', import.meta.url));

/** Enough for a loaded machine; an idle one needs a sixth of it. */
export const MAX_TEST_MS = 180_000;

type Run = Omit<Order & { kind: 'run' }, 'kind' | 'redis'>;

/** A process of the fleet. */
export class Member {
  /** The store events of this run. */
  storeEvents: ('away' | 'back')[] = [];
  #report: Report | undefined;
  readonly ready: Promise<unknown>;

  constructor(private readonly child: ChildProcess) {
    this.ready = once(child, 'message');
    child.on('message', (message: MemberMessage) => {
      if (message.kind === 'store') this.storeEvents.push(message.state);
      if (message.kind === 'report') this.#report = message;
    });
  }

  get name(): string {
    return String(this.child.pid);
  }

  run(order: Run & { redis: SharedRedis | undefined }): void {
    this.storeEvents = [];
    this.#report = undefined;
    this.child.send({ kind: 'run', ...order } satisfies Order);
  }

  async stop(): Promise<Report> {
    this.child.send({ kind: 'stop' } satisfies Order);
    return await until(() => {
      if (this.child.exitCode !== null) throw new Error(`member ${this.name} has exited`);
      return this.#report;
    });
  }

  async kill(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const exit = once(this.child, 'exit');
    this.child.kill('SIGKILL');
    await exit;
  }
}

/** Node processes of one app. Each exits when this process exits for any reason. */
export class Fleet {
  private constructor(
    readonly members: readonly Member[],
    private readonly folder: string,
  ) {}

  static async start(size: number): Promise<Fleet> {
    const folder = await mkdtemp(join(tmpdir(), 'nestjs-box-auth-fleet-'));
    const file = join(folder, 'member.mjs');
    const bundle = await rolldown({
      input: PROGRAM,
      platform: 'node',
      logLevel: 'silent',
      resolve: { extensionAlias: { '.js': ['.ts', '.js'] } },
    });
    await bundle.write({ file, format: 'esm', codeSplitting: false });
    await bundle.close();
    const env = Object.fromEntries(
      Object.entries(process.env).filter(([name]) => !/^(?:VITEST|BOX_|NODE_)/.test(name)),
    );
    const members = Array.from(
      { length: size },
      () => new Member(fork(file, { execArgv: [], env })),
    );
    await Promise.all(members.map(({ ready }) => ready));
    return new Fleet(members, folder);
  }

  run(order: Run, redis?: (index: number) => SharedRedis): void {
    for (const [index, member] of this.members.entries()) {
      member.run({ ...order, redis: redis?.(index) });
    }
  }

  /** How often a process found its store unavailable. Each time it requests its own token. */
  get outages(): number {
    return sum(
      this.members.map(({ storeEvents }) => storeEvents.filter((state) => state === 'away').length),
    );
  }

  /** Stops the run, and returns the report of all living members. */
  async stop(members = this.members): Promise<FleetReport> {
    return new FleetReport(await Promise.all(members.map((member) => member.stop())));
  }

  async end(): Promise<void> {
    await Promise.all(this.members.map((member) => member.kill()));
    await rm(this.folder, { recursive: true });
  }
}

/** The combined reports of all members. */
export class FleetReport {
  readonly calls: number;
  readonly errors: readonly string[];
  readonly expiredServed: number;

  constructor(private readonly reports: readonly Report[]) {
    this.calls = sum(reports.map(({ calls }) => calls));
    this.errors = reports.flatMap(({ errors }) => errors);
    this.expiredServed = sum(reports.map(({ expiredServed }) => expiredServed));
  }

  /** The number of refused calls that took less than `ms`: their token had less than that to live when it was sent. */
  refusedWithin(ms: number): number {
    return this.reports.flatMap(({ refusedAfterMs }) => refusedAfterMs).filter((took) => took < ms)
      .length;
  }

  /** For the output of the tests only; no test checks it. */
  get waits(): string {
    const first = quantiles(this.reports.flatMap(({ firstWaitsMs }) => firstWaitsMs));
    const later = quantiles(this.reports.flatMap(({ waitsMs }) => waitsMs));
    return `first wait (ms) ${first}, later ones ${later}`;
  }
}

function quantiles(numbers: readonly number[]): string {
  const sorted = numbers.toSorted((a, b) => a - b);
  const at = (share: number) => sorted[Math.ceil(sorted.length * share) - 1] ?? NaN;
  return `p50 ${at(0.5).toFixed(1)} p99.9 ${at(0.999).toFixed(1)} max ${at(1).toFixed(1)}`;
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}

/** Polls `read` until it returns a value. The timeout of the test limits the wait. */
export async function until<T>(read: () => T | undefined | false): Promise<T> {
  for (;;) {
    const value = read();
    if (value !== undefined && value !== false) return value;
    await delay(20);
  }
}
