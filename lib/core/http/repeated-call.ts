import type { CallRetries, RepeatableResponse } from './api-retries.js';
import type { Admission, Authorization, OutgoingPolicy } from './outgoing-policy.js';
import type { ReplayableBody } from './replayable-body.js';

/** The result of one attempt. Without a response and an error it is final. */
export interface Attempt {
  readonly response?: DiscardableResponse | undefined;
  readonly error?: unknown;
}

interface DiscardableResponse extends RepeatableResponse {
  /** Reads the body to its end, because the caller gets the response of another attempt. Returns a function that gives up. */
  readonly discard: () => () => void;
}

/** A call whose attempts are promises. */
export interface RepeatableCall<A extends Attempt> extends Omit<Admission, 'delayMs'> {
  /** In upper case. */
  readonly method: string;
  readonly body: ReplayableBody<unknown> | null;
  /** Whether the caller has aborted the call. */
  readonly isAborted: () => boolean;
  readonly send: (authorization: Authorization) => Promise<A>;
}

const nothing = (): void => undefined;

/** Sends a call until `retries` gives its result to the caller. */
export async function sendRepeatedly<A extends Attempt>(
  policy: OutgoingPolicy,
  first: Authorization,
  retries: CallRetries,
  call: RepeatableCall<A>,
): Promise<A> {
  const { sources, isLongCall } = call;
  let authorization = first;
  let stopReading = nothing;
  for (let delayMs = 0; ;) {
    try {
      authorization = await policy.admit(authorization, { sources, isLongCall, delayMs });
    } finally {
      stopReading();
    }
    const attempt = await call.send(authorization);
    const nextDelayMs = await delayAfter(attempt, retries, call);
    if (nextDelayMs === undefined) return attempt;
    delayMs = nextDelayMs;
    stopReading = attempt.response?.discard() ?? nothing;
  }
}

async function delayAfter<A extends Attempt>(
  { response, error }: A,
  retries: CallRetries,
  { method, body, isAborted }: RepeatableCall<A>,
): Promise<number | undefined> {
  if (response !== undefined) {
    return retries.responded(method, response.status)
      ? retries.delayAfterResponse(method, response, body)
      : undefined;
  }
  return error === undefined || isAborted()
    ? undefined
    : retries.delayAfterError(method, error, body);
}
