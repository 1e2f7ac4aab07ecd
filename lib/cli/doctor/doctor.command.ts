import { boxDocs } from '../../box/box-docs.js';
import type { CliContext, ExitCode } from '../cli-context.js';
import { type Paint, paintFor } from '../terminal-text.js';
import {
  DOCTOR_STEPS,
  OAUTH_STEPS,
  type DoctorProblem,
  type DoctorReport,
  type DoctorStep,
} from './doctor-report.js';
import type { DoctorRequest } from './configuration.js';
import { notReached } from './doctor-step.js';
import { runChecks } from './doctor-checks.js';
import { hasOAuthApp } from './oauth-steps.js';
import { variablesOf } from '../variables.js';

/** Runs the checks, and prints each step, or one `DoctorReport` as JSON. */
export async function doctor(
  request: DoctorRequest & { readonly json: boolean },
  context: CliContext,
): Promise<ExitCode> {
  const { stdout, env } = context;
  const paint = paintFor(stdout, env);
  const steps: DoctorStep[] = [];
  const hasOAuth = hasOAuthApp(variablesOf(context, request.dotenv));
  for await (const step of runChecks(request, context)) {
    steps.push(step);
    if (!request.json) stdout.write(formatStep(step, paint));
  }
  const report = createReport(steps, request.offline, hasOAuth);
  stdout.write(request.json ? toJson(report) : formatVerdict(report, paint));
  return report.verdict === 'ok' ? 0 : 1;
}

/** The JSON report for an invalid command line: no check was run. */
export function usageErrorReport(
  { message, hint }: Pick<DoctorProblem, 'message' | 'hint'>,
  offline: boolean,
): string {
  const problem: DoctorProblem = {
    code: 'option_invalid',
    message,
    hint,
    docs: boxDocs.jwtSetup,
    retryable: false,
  };
  const step: DoctorStep = {
    step: 'configuration',
    status: 'failed',
    summary: message,
    facts: {},
    problem,
  };
  return toJson(createReport([step], offline, false));
}

function toJson(report: DoctorReport): string {
  return `${JSON.stringify(report, undefined, 2)}\n`;
}

function createReport(
  finished: readonly DoctorStep[],
  offline: boolean,
  hasOAuth: boolean,
): DoctorReport {
  const all = [...DOCTOR_STEPS, ...(hasOAuth ? OAUTH_STEPS : [])];
  const others = all.slice(finished.length).map(notReached);
  return {
    formatVersion: 1,
    verdict: finished.some(({ status }) => status === 'failed') ? 'failed' : 'ok',
    offline,
    steps: [...finished, ...others],
  };
}

const NAME_WIDTH = Math.max(...DOCTOR_STEPS.map((name) => name.length));

const MARKS = {
  ok: ['green', 'ok  '],
  warning: ['yellow', 'warn'],
  failed: ['red', 'FAIL'],
  skipped: ['dim', 'skip'],
  'not-reached': ['dim', '    '],
} as const;

function formatStep({ step, status, summary, problem }: DoctorStep, paint: Paint): string {
  const [style, word] = MARKS[status];
  const indent = ' '.repeat(word.length + NAME_WIDTH + 4);
  const text = summary.replaceAll('\n', `\n${indent}`);
  const line = `${paint(style, word)}  ${step.padEnd(NAME_WIDTH)}  ${text}\n`;
  return problem === undefined ? line : `${line}${formatProblem(problem, paint)}`;
}

function formatProblem(
  { hint, docs, code, requestId, retryAfterMs }: DoctorProblem,
  paint: Paint,
): string {
  const wait =
    retryAfterMs === undefined ? '' : ` Try again in ${Math.ceil(retryAfterMs / 1000)} s.`;
  const request = requestId === undefined ? '' : ` (Box request id ${requestId})`;
  const lines = [
    `${paint('bold', 'Fix:')}  ${hint}${wait}`,
    `${paint('bold', 'Docs:')} ${docs}`,
    paint('dim', `Code: ${code}${request}`),
  ];
  return `\n${lines.join('\n')}\n`;
}

function formatVerdict({ steps, verdict, offline }: DoctorReport, paint: Paint): string {
  if (verdict === 'ok') {
    return `\n${paint('green', offline ? 'All offline checks passed.' : 'All checks passed.')}\n`;
  }
  const skippedSteps = steps
    .filter(({ status }) => status === 'not-reached')
    .map(({ step }) => step);
  return skippedSteps.length === 0 ? '' : `\nSteps not run: ${skippedSteps.join(', ')}.\n`;
}
