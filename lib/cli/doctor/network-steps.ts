import type { BoxAuth } from '../../box/box-auth.js';
import { BoxIssuer } from '../../box/box-issuer.js';
import type { BoxCredentials } from '../../box/credentials/box-credentials.js';
import { parseCredentials } from '../../box/credentials/parse-credentials.js';
import type { ParsedKey } from '../../core/credentials/private-key.js';
import { isRecord } from '../../core/credentials/field-checks.js';
import type { Runtime } from '../../core/runtime/runtime.js';
import type { AccessToken } from '../../core/token-endpoint/access-token.js';
import type { Attempt } from '../../core/token-endpoint/issuer.js';
import { ServerClock } from '../../core/token-endpoint/server-clock.js';
import type { CliContext } from '../cli-context.js';
import { spanOf } from '../terminal-text.js';
import { ME, readUser, withinTime } from './box-call.js';
import type { DoctorFacts, DoctorGrant } from './doctor-report.js';
import type { StepOutcome } from './doctor-step.js';

const WORTH_TELLING_MS = 5_000;

/**
 * The clock of this machine against Box's. One that is off is worth a word and no failure, as the module learns Box's. The
 * value is how far Box's is ahead, in ms.
 */
export async function compareClocks(
  { apiUrl }: BoxAuth,
  { fetch, runtime }: CliContext,
): Promise<StepOutcome<'clock', number>> {
  const clock = new ServerClock(runtime, () => undefined);
  const url = `${apiUrl}${ME}`;
  const { headers, isDateOfUse } = await withinTime(url, runtime, async (signal) => {
    const requestedAt = runtime.monotonic();
    const response = await fetch(url, { redirect: 'manual', signal });
    const durationMs = runtime.monotonic() - requestedAt;
    const trip = { receivedAt: runtime.now(), durationMs };
    await response.body?.cancel();
    return { headers: response.headers, isDateOfUse: clock.learn(response.headers, trip) };
  });
  const { offsetMs } = clock;
  if (!headers.has('date') || headers.has('age')) {
    return {
      status: 'warning',
      summary: 'The answer does not say what time it is at Box.',
      value: offsetMs,
    };
  }
  if (!isDateOfUse) {
    return {
      status: 'warning',
      summary:
        'The Date header of the answer cannot be used: it is unreadable, more than a day from the clock of this machine, or came after more than 10 s. Set the clock (NTP), or see whether a gateway sets a wrong Date header.',
      value: offsetMs,
    };
  }
  if (Math.abs(offsetMs) < WORTH_TELLING_MS) {
    return {
      summary: "This machine's clock agrees with Box's.",
      facts: { offsetMs },
      value: offsetMs,
    };
  }
  return {
    status: 'warning',
    summary: `This machine's clock is ${spanOf(offsetMs)} ${offsetMs > 0 ? 'behind' : 'ahead of'} Box's. That is tolerated, as Box's time is learned from its answers; set the clock (NTP) all the same.`,
    facts: { offsetMs },
    value: offsetMs,
  };
}

/** Signs an assertion as a token request has it, and tells what is in it by name. It is sent nowhere. */
export async function signAssertion(
  credentials: BoxCredentials,
  key: ParsedKey,
  apiUrl: string,
  attempt: Attempt,
): Promise<StepOutcome<'assertion'>> {
  const opened = parseCredentials(credentials, undefined, () => key);
  const form = await new BoxIssuer(apiUrl, {}).tokenForm(opened, opened.subject, attempt);
  const [header, claims] = (form['assertion'] ?? '').split('.').slice(0, 2).map(decoded);
  const facts = {
    algorithm: String(header?.['alg']),
    headers: Object.keys(header ?? {}),
    claims: Object.keys(claims ?? {}),
    lifetimeS: Number(claims?.['exp']) - Math.floor(attempt.serverNow / 1000),
  };
  return {
    summary: `Signed with ${facts.algorithm}, good for ${facts.lifetimeS} s; it has ${[...facts.headers, ...facts.claims].join(', ')}.`,
    facts,
    value: undefined,
  };
}

/** Gets a token as the module does: with everything that it does about a clock that is off. */
export async function exchange(
  { provider }: BoxAuth,
  grant: DoctorGrant,
  serverNow: number,
  requests: RequestCount,
): Promise<StepOutcome<'exchange', AccessToken>> {
  const before = requests.count;
  const token = await provider.getToken();
  const count = requests.count - before;
  const lifetimeS =
    token.expiresAt === undefined ? undefined : Math.round((token.expiresAt - serverNow) / 1000);
  const facts: Partial<DoctorFacts['exchange']> = {
    grant,
    requests: count,
    ...(lifetimeS === undefined ? {} : { lifetimeS }),
    fingerprint: token.fingerprint,
  };
  const life =
    lifetimeS === undefined ? 'of unknown lifetime' : `that lives ${spanOf(lifetimeS * 1000)}`;
  const again = count > 1 ? `, by ${count} requests` : '';
  return {
    summary:
      grant === 'none'
        ? `Not needed: the credentials are a token themselves (fingerprint ${token.fingerprint}).`
        : `${grant} gave a token ${life} (fingerprint ${token.fingerprint})${again}.`,
    facts,
    value: token,
  };
}

/** Who calls are made as: the service account, or the user that the credentials name. */
export async function whoAmI(
  { fetch, apiUrl }: BoxAuth,
  runtime: Runtime,
  secrets: readonly string[],
): Promise<StepOutcome<'account'>> {
  const url = `${apiUrl}${ME}`;
  const facts = await withinTime(url, runtime, async (signal) =>
    readUser(await fetch(url, { redirect: 'manual', signal }), secrets),
  );
  return { summary: `Calls are made as ${described(facts)}.`, facts, value: undefined };
}

/** Whether calls can be made for `user`, and who that is. */
export async function actAs(
  box: BoxAuth,
  user: string,
  runtime: Runtime,
  secrets: readonly string[],
): Promise<StepOutcome<'as-user'>> {
  const url = `${box.apiUrl}${ME}`;
  const facts = await withinTime(url, runtime, async (signal) =>
    readUser(
      await box.provider.runAs(user, () => box.fetch(url, { redirect: 'manual', signal })),
      secrets,
    ),
  );
  return { summary: `Calls can be made for ${described(facts)}.`, facts, value: undefined };
}

function described({ id, name, login }: Partial<DoctorFacts['account']>): string {
  return `${name ?? 'somebody without a name'} <${login ?? 'no login'}>, user ${id}`;
}

function decoded(part: string): Record<string, unknown> {
  const json: unknown = JSON.parse(Buffer.from(part, 'base64url').toString('utf8'));
  return isRecord(json) ? json : {};
}

/** A `fetch` that counts. */
export class RequestCount {
  #count = 0;
  readonly fetch: typeof fetch;

  constructor(send: typeof fetch) {
    this.fetch = (input, init) => {
      this.#count += 1;
      return send(input, init);
    };
  }

  get count(): number {
    return this.#count;
  }
}
