import { boxApiUrl } from '../../box/box-auth.options.js';
import { boxApiUrlIn } from '../../box/box.environment.js';
import { BOX_API_URL } from '../../box/box-issuer.js';
import { parseOption } from '../../core/app/option-checks.js';
import type { CliContext, Variables } from '../cli-context.js';
import { variablesOf } from '../variables.js';
import { type DoctorRequest, hasCredentials } from './configuration.js';
import { DOCTOR_STEPS, type DoctorStep } from './doctor-report.js';
import { OFFLINE, runStep, skipped } from './doctor-step.js';
import { compareClocks } from './network-steps.js';
import { checkOAuthClient, hasOAuthApp, readOAuthApp } from './oauth-steps.js';

type Steps<T> = AsyncGenerator<DoctorStep, T | undefined>;

const ONLY_OAUTH = 'Not needed: the environment has only an OAuth app.';

/** The steps for an app that people connect their own accounts to. */
export class OAuthChecks {
  readonly #variables: Variables;

  constructor(
    private readonly request: DoctorRequest,
    private readonly context: CliContext,
  ) {
    this.#variables = variablesOf(context, request.dotenv);
  }

  get isConfigured(): boolean {
    return hasOAuthApp(this.#variables);
  }

  get isOnlyApp(): boolean {
    return this.isConfigured && !hasCredentials(this.request, this.#variables);
  }

  async *runAlone(): Steps<undefined> {
    const { apiUrl: given, offline } = this.request;
    let apiUrl = BOX_API_URL;
    for (const step of DOCTOR_STEPS) {
      if (step === 'configuration') {
        const found = yield* runStep('configuration', () => {
          const url = given ?? boxApiUrlIn(this.#variables) ?? BOX_API_URL;
          const value = parseOption(boxApiUrl, 'apiUrl', url);
          return { summary: `An OAuth app, for Box at ${value}.`, facts: { apiUrl: value }, value };
        });
        if (found === undefined) return;
        apiUrl = found.value;
      } else if (step === 'clock' && !offline) {
        const clock = yield* runStep('clock', () => compareClocks({ apiUrl }, this.context));
        if (clock === undefined) return;
      } else yield skipped(step, step === 'clock' ? OFFLINE : ONLY_OAUTH);
    }
    yield* this.run(apiUrl);
  }

  async *run(apiUrl: string): Steps<undefined> {
    const app = yield* runStep('oauth', () => readOAuthApp(this.#variables));
    if (app === undefined) return;
    if (this.request.offline) yield skipped('oauth-client', OFFLINE);
    else yield* runStep('oauth-client', () => checkOAuthClient(app.value, apiUrl, this.context));
  }
}
