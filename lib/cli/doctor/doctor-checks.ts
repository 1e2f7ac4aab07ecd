import type { ParsedKey } from '../../core/credentials/private-key.js';
import type { CliContext } from '../cli-context.js';
import { type Configuration, findConfiguration, type DoctorRequest } from './configuration.js';
import {
  describeKey,
  describePassphrase,
  readFields,
  type ReadFields,
  tryKey,
} from './credential-steps.js';
import type { DoctorStep } from './doctor-report.js';
import { takeStep, unneeded } from './doctor-step.js';
import {
  actAs,
  compareClocks,
  exchange,
  signAssertion,
  whoAmI,
  RequestCount,
} from './network-steps.js';

type Steps<T> = AsyncGenerator<DoctorStep, T | undefined>;

const OFFLINE = 'Not looked at: --offline.';
const NO_KEY = 'Not needed: the credentials have no key.';

/** Takes one step after the other, and ends with the first that fails. */
export async function* examine(request: DoctorRequest, given: CliContext): Steps<undefined> {
  const requests = new RequestCount(given.fetch);
  const context = { ...given, fetch: requests.fetch };
  const found = yield* takeStep('configuration', () => findConfiguration(request, context));
  if (found === undefined) return;
  const { box } = found.value;
  try {
    const fields = yield* takeStep('fields', () => readFields(found.value));
    if (fields === undefined) return;
    yield* new Examination(request, context, requests, found.value, fields.value).rest();
  } finally {
    box.close();
  }
}

/** The steps that need credentials whose fields are in order. */
class Examination {
  constructor(
    private readonly request: DoctorRequest,
    private readonly context: CliContext,
    private readonly requests: RequestCount,
    private readonly configuration: Configuration,
    private readonly fields: ReadFields,
  ) {}

  async *rest(): Steps<undefined> {
    const key = yield* this.#key();
    if (key === undefined) return;
    const clock = yield* this.#clock();
    if (clock === undefined) return;
    const assertion = yield* this.#assertion(key.value, clock.value);
    if (assertion === undefined) return;
    yield* this.#calls(clock.value);
  }

  async *#key(): Steps<{ value: ParsedKey | undefined }> {
    const { key } = this.fields;
    if (key === undefined) {
      yield unneeded('key', NO_KEY);
      yield unneeded('passphrase', NO_KEY);
      return { value: undefined };
    }
    const tried = tryKey(key);
    const described = yield* takeStep('key', () => describeKey(tried));
    if (described === undefined) return undefined;
    const { credentials } = this.configuration;
    const opened = yield* takeStep('passphrase', () => describePassphrase(tried, credentials));
    return opened === undefined ? undefined : { value: tried.opened };
  }

  /** How far Box's clock is ahead, as far as is known. */
  async *#clock(): Steps<{ value: number }> {
    if (this.request.offline) {
      yield unneeded('clock', OFFLINE);
      return { value: 0 };
    }
    return yield* takeStep('clock', () => compareClocks(this.configuration.box, this.context));
  }

  async *#assertion(key: ParsedKey | undefined, offsetMs: number): Steps<object> {
    if (key === undefined) {
      yield unneeded('assertion', NO_KEY);
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
    return yield* takeStep('assertion', () => signAssertion(credentials, key, box.apiUrl, attempt));
  }

  async *#calls(offsetMs: number): Steps<undefined> {
    const { asUser, offline } = this.request;
    const { box } = this.configuration;
    const { runtime } = this.context;
    if (offline) {
      for (const step of ['exchange', 'account', 'as-user'] as const) yield unneeded(step, OFFLINE);
      return;
    }
    const serverNow = runtime.now() + offsetMs;
    const { grant, secrets } = this.fields;
    const token = yield* takeStep('exchange', () => exchange(box, grant, serverNow, this.requests));
    if (token === undefined) return;
    const all = [...secrets, token.value.value];
    const account = yield* takeStep('account', () => whoAmI(box, runtime, all));
    if (account === undefined) return;
    if (asUser === undefined) yield unneeded('as-user', 'Not asked for: --as-user <id>.');
    else yield* takeStep('as-user', () => actAs(box, asUser, runtime, all));
  }
}
