/** Something that the person at the terminal can mend: what it is, and what to do. */
export class CliProblem extends Error {
  override readonly name = 'CliProblem';

  constructor(
    message: string,
    readonly hint: string,
    /** 2 where the command line itself is wrong. */
    readonly exitCode: 1 | 2 = 1,
  ) {
    super(message);
  }
}

/** The command line is wrong. */
export function usageProblem(message: string, hint: string): CliProblem {
  return new CliProblem(message, hint, 2);
}
