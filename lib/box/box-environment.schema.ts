import * as v from 'valibot';
import type { StandardIssue, StandardResult, StandardSchema } from '../core/app/standard-schema.js';
import type { Variables } from '../core/app/environment-variables.js';
import { describeValue } from '../core/credentials/field-checks.js';
import { BoxAuthError } from '../core/errors/box-auth.error.js';
import {
  boxApiUrlIn,
  boxCredentialsIn,
  boxUploadUrlIn,
  boxVariableNames,
} from './box.environment.js';
import { boxVariables } from './box-variables.js';
import { parseCredentials } from './credentials/parse-credentials.js';

const optionalText = v.optional(v.string());

/** The variables as text. Other variables of the environment may have any value. */
const environment = v.looseObject(
  Object.fromEntries(Object.keys(boxVariables).map((name) => [name, optionalText])),
);

/**
 * A Standard Schema of the variables that `BoxAuthModule.forRoot()` reads: `BOX_CONFIG_FILE`, `BOX_CONFIG`, `BOX_CLIENT_ID` and so
 * on, `BOX_API_URL` and `BOX_UPLOAD_URL`. It accepts an environment if `forRoot()` does, so it also reads `BOX_CONFIG_FILE` and
 * parses the private key. The value is the environment itself, unchanged and with all other variables.
 *
 * Each issue has the message and the hint of the `BoxAuthError` that `forRoot()` would fail with. No issue contains a secret.
 *
 * With `@nestjs/config` 12, pass it as `validationSchema`. With version 4, call it in `validate`.
 *
 * @example
 * ```ts
 * import { Module } from '@nestjs/common';
 * import { ConfigModule } from '@nestjs/config';
 * import { BoxAuthModule, boxEnvironmentSchema } from 'nestjs-box-auth';
 *
 * @Module({
 *   imports: [
 *     ConfigModule.forRoot({ validationSchema: boxEnvironmentSchema }),
 *     BoxAuthModule.forRoot(),
 *   ],
 * })
 * export class AppModule {}
 * ```
 */
export const boxEnvironmentSchema: StandardSchema<Record<string, unknown>> = {
  '~standard': { version: 1, vendor: 'nestjs-box-auth', validate },
};

function validate(value: unknown): StandardResult<Record<string, unknown>> {
  const checked = v.safeParse(environment, value);
  if (!checked.success) return { issues: checked.issues.map(issueOfType) };
  const issues = issuesOf(checked.output);
  return issues.length === 0 ? { value: checked.output } : { issues };
}

function issuesOf(variables: Variables): readonly StandardIssue[] {
  return [
    ...issueOf(() => boxApiUrlIn(variables), ['BOX_API_URL']),
    ...issueOf(() => boxUploadUrlIn(variables), ['BOX_UPLOAD_URL']),
    ...issueOf(() => parseCredentials(boxCredentialsIn(variables), boxVariableNames)),
  ];
}

function issueOf(read: () => unknown, path?: readonly string[]): readonly StandardIssue[] {
  try {
    read();
    return [];
  } catch (error) {
    if (!(error instanceof BoxAuthError)) throw error;
    return [{ message: `${error.message} ${error.hint}`, path }];
  }
}

/** The issue of Valibot contains the value, which may be a secret. */
function issueOfType({ path, input }: v.BaseIssue<unknown>): StandardIssue {
  const received = describeValue(input);
  if (path === undefined) {
    return {
      message: `Invalid environment: expected an object with variables, received ${received}.`,
    };
  }
  const variable = String(path[0].key);
  return {
    message: `Invalid environment variable ${variable}: expected a string, received ${received}.`,
    path: [variable],
  };
}
