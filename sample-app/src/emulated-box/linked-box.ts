import { type BoxState, type BreakableBox, type FaultName } from './breakable-box.js';
import { type EmulatedBox } from './emulated-box.js';
import { SimulatedTime } from './simulated-time.js';

/** One end of the connection between two processes: `process` in the second one, its `ChildProcess` in the first one. */
export interface ProcessLink {
  send?: (message: object) => unknown;
  on(event: 'message', listener: (message: unknown) => void): unknown;
}

interface BoxMessage extends BoxState {
  readonly aheadMs: number;
}

interface FaultMessage {
  readonly fault: FaultName;
  readonly refreshDueInMs: number;
}

/** Shares the emulated Box of this process, its time included, with a second process. */
export function shareBox(box: EmulatedBox, link: ProcessLink): void {
  const send = () => {
    const message: BoxMessage = { aheadMs: box.time.aheadMs, ...box.state };
    link.send?.(message);
  };
  link.on('message', (message) => {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the second process is this program, too
    const { fault, refreshDueInMs } = message as FaultMessage;
    box.break(fault, refreshDueInMs);
  });
  box.onChange = send;
  send();
}

/** The emulated Box of the first process, in the second one. */
export class LinkedBox implements BreakableBox {
  readonly time = new SimulatedTime();
  #state: BoxState = { outageEndsAt: 0, clockSkewMs: 0 };

  constructor(private readonly link: ProcessLink) {
    link.on('message', (message) => {
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the first process is this program, too
      const { aheadMs, ...state } = message as BoxMessage;
      this.time.aheadMs = aheadMs;
      this.#state = state;
    });
  }

  get state(): BoxState {
    return this.#state;
  }

  break(fault: FaultName, refreshDueInMs: number): void {
    const message: FaultMessage = { fault, refreshDueInMs };
    this.link.send?.(message);
  }
}
