import { randomUUID } from 'node:crypto';
import { type Runtime } from 'nestjs-box-auth';

/** Time that can be moved ahead, so that a token of an hour expires while you watch. Timers stay those of the system. */
export class SimulatedTime implements Runtime {
  /** How far this time is ahead of the system's, in milliseconds. */
  aheadMs = 0;

  now(): number {
    return Date.now() + this.aheadMs;
  }

  monotonic(): number {
    return performance.now() + this.aheadMs;
  }

  schedule(task: () => void, delayMs: number, options?: { readonly holdProcess: boolean }) {
    const timer = setTimeout(task, delayMs);
    if (options?.holdProcess !== true) timer.unref();
    return () => clearTimeout(timer);
  }

  random(): number {
    return Math.random();
  }

  uniqueId(): string {
    return randomUUID();
  }
}
