import { BoxAuthError } from '../../core/errors/box-auth.error.js';
import type {
  DoctorFacts,
  DoctorFinding,
  DoctorProblem,
  DoctorStep,
  DoctorStepName,
} from './doctor-report.js';

/** The summary of a step that needs the network. */
export const OFFLINE = 'Skipped by --offline.';

/** The result of a step, and the value that later steps need. */
export interface StepOutcome<Name extends DoctorStepName, T = undefined> {
  readonly summary: string;
  readonly facts?: Partial<DoctorFacts[Name]>;
  /** Default `ok`, or `failed` if there is a problem. */
  readonly status?: 'warning' | 'skipped';
  readonly problem?: BoxAuthError | undefined;
  readonly value: T;
}

/**
 * Runs a step and yields its finding. Returns the value, or undefined if the step failed: it threw a BoxAuthError, or its
 * outcome has a `problem`.
 */
export async function* runStep<Name extends DoctorStepName, T>(
  step: Name,
  work: () => StepOutcome<Name, T> | Promise<StepOutcome<Name, T>>,
): AsyncGenerator<DoctorStep, { readonly value: T } | undefined> {
  let outcome: StepOutcome<Name, T>;
  try {
    outcome = await work();
  } catch (error) {
    if (!(error instanceof BoxAuthError)) throw error;
    yield finding({
      step,
      status: 'failed',
      summary: error.message,
      facts: {},
      problem: problemOf(error),
    });
    return undefined;
  }
  const { summary, facts = {}, status = 'ok', problem, value } = outcome;
  if (problem !== undefined) {
    yield finding({
      step,
      status: 'failed',
      summary: problem.message,
      facts,
      problem: problemOf(problem),
    });
    return undefined;
  }
  yield finding({ step, status, summary, facts });
  return { value };
}

/** A step that is not needed or not requested. */
export function skipped(step: DoctorStepName, summary: string): DoctorStep {
  return { step, status: 'skipped', summary, facts: {} };
}

export function notReached(step: DoctorStepName): DoctorStep {
  return { step, status: 'not-reached', summary: 'An earlier step failed.', facts: {} };
}

function finding<Name extends DoctorStepName>(found: DoctorFinding<Name>): DoctorStep {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the finding of each step is a member of the union
  return found as unknown as DoctorStep;
}

function problemOf(error: BoxAuthError): DoctorProblem {
  const { code, message, hint, docs, retryable, status, requestId, retryAfterMs } = error;
  return { code, message, hint, docs, retryable, status, requestId, retryAfterMs };
}
