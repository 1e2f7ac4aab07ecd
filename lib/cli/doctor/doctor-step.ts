import { BoxAuthError } from '../../core/errors/box-auth.error.js';
import type {
  DoctorFacts,
  DoctorFinding,
  DoctorProblem,
  DoctorStep,
  DoctorStepName,
} from './doctor-report.js';

/** What one step has found, and what the next ones need of it. */
export interface StepOutcome<Name extends DoctorStepName, T = undefined> {
  readonly summary: string;
  readonly facts?: Partial<DoctorFacts[Name]>;
  /** Default `ok`, or `failed` where there is a problem. */
  readonly status?: 'warning' | 'skipped';
  readonly problem?: BoxAuthError | undefined;
  readonly value: T;
}

/**
 * Yields what `work` has found. Returns the outcome, or undefined if the step failed: with the `problem` of the outcome, or with
 * what `work` threw.
 */
export async function* takeStep<Name extends DoctorStepName, T>(
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

/** A step that has nothing to look at. */
export function unneeded(step: DoctorStepName, summary: string): DoctorStep {
  return { step, status: 'skipped', summary, facts: {} };
}

export function notReached(step: DoctorStepName): DoctorStep {
  return { step, status: 'not-reached', summary: 'A step before it failed.', facts: {} };
}

function finding<Name extends DoctorStepName>(found: DoctorFinding<Name>): DoctorStep {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a finding of any one name is one of the union
  return found as unknown as DoctorStep;
}

function problemOf(error: BoxAuthError): DoctorProblem {
  const { code, message, hint, docs, retryable, status, requestId, retryAfterMs } = error;
  return { code, message, hint, docs, retryable, status, requestId, retryAfterMs };
}
