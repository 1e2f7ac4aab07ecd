import { type Runtime } from 'nestjs-box-auth';

/** The ways to break Box, in the order of their buttons. */
export const FAULTS = ['expire', 'revoke', 'rate-limit', 'outage', 'clock'] as const;

export type FaultName = (typeof FAULTS)[number];

/** An emulated Box that the page can break. */
export interface BreakableBox {
  /** The time of Box and of the portal. */
  readonly time: Runtime;
  readonly state: BoxState;
  /** `refreshDueInMs` is how long it takes until the first token is due for a refresh. */
  break(fault: FaultName, refreshDueInMs: number): void;
}

/** The faults that last. */
export interface BoxState {
  /** The end of the latest outage, in milliseconds of `BreakableBox.time`; 0 without one. */
  readonly outageEndsAt: number;
  /** How many milliseconds the clock of Box is ahead of that of the portal. */
  readonly clockSkewMs: number;
}
