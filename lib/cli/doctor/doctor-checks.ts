import type { ParsedKey } from '../../core/credentials/private-key.js';
import type { CliContext } from '../cli-context.js';
import { type Configuration, type DoctorRequest, findConfiguration } from './configuration.js';
import {
  describeKey,
  describePassphrase,
  readFields,
  type ValidFields,
  tryKey,
} from './credential-steps.js';
import type { DoctorStep } from './doctor-report.js';
import { OAuthChecks } from './oauth-checks.js';
import { OFFLINE, runStep, skipped } from './doctor-step.js';
import {
  checkActingUser,
  compareClocks,
  exchange,
  signAssertion,
  readAccount,
  RequestCount,
} from './network-steps.js';

type Steps<T> = AsyncGenerator<DoctorStep, T | undefined>;

const NO_KEY = 'Not needed: the credentials have no key.';

/** Runs the steps in order, up to the first that fails. */
export async function* runChecks(
  request: DoctorRequest,
  baseContext: CliContext,
): Steps<undefined> {
  const requests = new RequestCount(baseContext.fetch);
  const context = { ...baseContext, fetch: requests.fetch };
  const oauth = new OAuthChecks(request, context);
  if (oauth.isOnlyApp) {
    yield* oauth.runAlone();
    return;
  }
  const found = yield* runStep('configuration', () => findConfiguration(request, context));
  if (found === undefined) return;
  const { box } = found.value;
  try {
    const fields = yield* runStep('fields', () => readFields(found.value));
    if (fields === undefined) return;
    const checks = new CredentialChecks(request, context, requests, found.value, fields.value);
    const passed = yield* checks.run();
    if (passed !== undefined && oauth.isConfigured) yield* oauth.run(box.apiUrl);
  } finally {
    box.close();
  }
}

/** The steps that need credentials with valid fields. */
class CredentialChecks {
  constructor(
    private readonly request: DoctorRequest,
    private readonly context: CliContext,
    private readonly requests: RequestCount,
    private readonly configuration: Configuration,
    private readonly fields: ValidFields,
  ) {}

  /** Returns undefined if a step failed. */
  async *run(): Steps<object> {
    const key = yield* this.#key();
    if (key === undefined) return undefined;
    const clock = yield* this.#clock();
    if (clock === undefined) return undefined;
    const assertion = yield* this.#assertion(key.value, clock.value);
    if (assertion === undefined) return undefined;
    return yield* this.#calls(clock.value);
  }

  async *#key(): Steps<{ value: ParsedKey | undefined }> {
    const { key } = this.fields;
    if (key === undefined) {
      yield skipped('key', NO_KEY);
      yield skipped('passphrase', NO_KEY);
      return { value: undefined };
    }
    const tried = tryKey(key);
    const described = yield* runStep('key', () => describeKey(tried));
    if (described === undefined) return undefined;
    const { credentials } = this.configuration;
    const passphrase = yield* runStep('passphrase', () => describePassphrase(tried, credentials));
    return passphrase === undefined ? undefined : { value: tried.parsed };
  }

  /** Returns how far Box's clock is ahead, in ms; 0 if unknown. */
  async *#clock(): Steps<{ value: number }> {
    if (this.request.offline) {
      yield skipped('clock', OFFLINE);
      return { value: 0 };
    }
    return yield* runStep('clock', () => compareClocks(this.configuration.box, this.context));
  }

  async *#assertion(key: ParsedKey | undefined, offsetMs: number): Steps<object> {
    if (key === undefined) {
      yield skipped('assertion', NO_KEY);
      return {};
    }
    const { credentials, box } = this.configuration;
    const { runtime } = this.context;
    const attempt = {
      number: 0,
      serverNow: runtime.now() + offsetMs,
      uniqueId: runtime.uniqueId(),
      omitIssuedAt: false,
    };
    return yield* runStep('assertion', () => signAssertion(credentials, key, box.apiUrl, attempt));
  }

  async *#calls(offsetMs: number): Steps<object> {
    const { asUser, offline } = this.request;
    const { box } = this.configuration;
    const { runtime } = this.context;
    if (offline) {
      for (const step of ['exchange', 'account', 'as-user'] as const) yield skipped(step, OFFLINE);
      return {};
    }
    const serverNow = runtime.now() + offsetMs;
    const { grant, secrets } = this.fields;
    const token = yield* runStep('exchange', () => exchange(box, grant, serverNow, this.requests));
    if (token === undefined) return undefined;
    const allSecrets = [...secrets, token.value.value];
    const account = yield* runStep('account', () => readAccount(box, runtime, allSecrets));
    if (account === undefined) return undefined;
    if (asUser !== undefined) {
      return yield* runStep('as-user', () => checkActingUser(box, asUser, runtime, allSecrets));
    }
    yield skipped('as-user', 'Not requested. Use --as-user <id> to check a user.');
    return {};
  }
}
