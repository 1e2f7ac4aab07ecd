import { boxDocs } from '../../box/box-docs.js';
import type { CliContext, ExitCode } from '../cli-context.js';
import { type Paint, paintFor } from '../terminal-text.js';
import {
  DOCTOR_STEPS,
  type DoctorProblem,
  type DoctorReport,
  type DoctorStep,
} from './doctor-report.js';
import type { DoctorRequest } from './configuration.js';
import { notReached } from './doctor-step.js';
import { examine } from './doctor-checks.js';

/** Prints what the doctor finds: step by step for people, or as one `DoctorReport`. */
export async function doctor(
  request: DoctorRequest & { readonly json: boolean },
  context: CliContext,
): Promise<ExitCode> {
  const { stdout, env } = context;
  const paint = paintFor(stdout, env);
  const steps: DoctorStep[] = [];
  for await (const step of examine(request, context)) {
    steps.push(step);
    if (!request.json) stdout.write(lineOf(step, paint));
  }
  const report = reportOf(steps, request.offline);
  stdout.write(request.json ? documentOf(report) : closing(report, paint));
  return report.verdict === 'ok' ? 0 : 1;
}

/** The document of a command line that was not understood: nothing was looked at. */
export function refusedReport(
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
  return documentOf(reportOf([step], offline));
}

function documentOf(report: DoctorReport): string {
  return `${JSON.stringify(report, undefined, 2)}\n`;
}

function reportOf(taken: readonly DoctorStep[], offline: boolean): DoctorReport {
  const others = DOCTOR_STEPS.slice(taken.length).map(notReached);
  return {
    formatVersion: 1,
    verdict: taken.some(({ status }) => status === 'failed') ? 'failed' : 'ok',
    offline,
    steps: [...taken, ...others],
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

function lineOf({ step, status, summary, problem }: DoctorStep, paint: Paint): string {
  const [style, word] = MARKS[status];
  const indent = ' '.repeat(word.length + NAME_WIDTH + 4);
  const text = summary.replaceAll('\n', `\n${indent}`);
  const line = `${paint(style, word)}  ${step.padEnd(NAME_WIDTH)}  ${text}\n`;
  return problem === undefined ? line : `${line}${remedy(problem, paint)}`;
}

function remedy(
  { hint, docs, code, requestId, retryAfterMs }: DoctorProblem,
  paint: Paint,
): string {
  const wait =
    retryAfterMs === undefined ? '' : ` Try again in ${Math.ceil(retryAfterMs / 1000)} s.`;
  const request = requestId === undefined ? '' : `, Box's request id ${requestId}`;
  const lines = [
    `${paint('bold', 'What to do:')} ${hint}${wait}`,
    `${paint('bold', 'Read more:')}  ${docs}`,
    paint('dim', `Code ${code}${request}.`),
  ];
  return `\n${lines.join('\n')}\n`;
}

function closing({ steps, verdict, offline }: DoctorReport, paint: Paint): string {
  if (verdict === 'ok') {
    return `\n${paint('green', offline ? 'All is well, as far as that shows without Box.' : 'All is well.')}\n`;
  }
  const left = steps.filter(({ status }) => status === 'not-reached').map(({ step }) => step);
  return left.length === 0 ? '' : `\nNot reached: ${left.join(', ')}.\n`;
}
