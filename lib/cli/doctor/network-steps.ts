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
import { formatDuration } from '../terminal-text.js';
import { CURRENT_USER_PATH, readUser, withTimeout } from './box-call.js';
import type { DoctorFacts, DoctorGrant } from './doctor-report.js';
import type { StepOutcome } from './doctor-step.js';

const WARNING_OFFSET_MS = 5_000;

/**
 * Compares this machine's clock with Box's. A difference is only a warning, as the module adjusts to Box's time. The value
 * is how far Box's clock is ahead, in ms.
 */
export async function compareClocks(
  { apiUrl }: Pick<BoxAuth, 'apiUrl'>,
  { fetch, runtime }: CliContext,
): Promise<StepOutcome<'clock', number>> {
  const clock = new ServerClock(runtime, () => undefined);
  const url = `${apiUrl}${CURRENT_USER_PATH}`;
  const { headers, isDateOfUse } = await withTimeout(url, runtime, async (signal) => {
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
      summary: "Box's time is unknown: the response has no Date header, or comes from a cache.",
      value: offsetMs,
    };
  }
  if (!isDateOfUse) {
    return {
      status: 'warning',
      summary:
        "The Date header of the response is unusable: it is malformed, differs by more than a day from this machine's clock, or arrived after more than 10 s. Fix: set the clock (NTP), or check whether a gateway sets a wrong Date header.",
      value: offsetMs,
    };
  }
  if (Math.abs(offsetMs) < WARNING_OFFSET_MS) {
    return {
      summary: "This machine's clock matches Box's.",
      facts: { offsetMs },
      value: offsetMs,
    };
  }
  return {
    status: 'warning',
    summary: `This machine's clock is ${formatDuration(offsetMs)} ${offsetMs > 0 ? 'behind' : 'ahead of'} Box's. Token requests still work, as they use Box's time. Fix: set the clock (NTP).`,
    facts: { offsetMs },
    value: offsetMs,
  };
}

/** Signs an assertion like that of a token request, without sending it, and reports the names of its parts. */
export async function signAssertion(
  credentials: BoxCredentials,
  key: ParsedKey,
  apiUrl: string,
  attempt: Attempt,
): Promise<StepOutcome<'assertion'>> {
  const parsed = parseCredentials(credentials, undefined, () => key);
  const form = await new BoxIssuer(apiUrl, {}).tokenForm(parsed, parsed.subject, attempt);
  const [header, claims] = (form['assertion'] ?? '').split('.').slice(0, 2).map(decodeJson);
  const facts = {
    algorithm: String(header?.['alg']),
    headers: Object.keys(header ?? {}),
    claims: Object.keys(claims ?? {}),
    lifetimeS: Number(claims?.['exp']) - Math.floor(attempt.serverNow / 1000),
  };
  return {
    summary: `Signed with ${facts.algorithm}, valid for ${facts.lifetimeS} s, with ${[...facts.headers, ...facts.claims].join(', ')}.`,
    facts,
    value: undefined,
  };
}

/** Requests a token like the module, including its correction of a wrong clock. */
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
  const validity =
    lifetimeS === undefined
      ? 'with an unknown lifetime'
      : `valid for ${formatDuration(lifetimeS * 1000)}`;
  const attempts = count > 1 ? `, after ${count} requests` : '';
  return {
    summary:
      grant === 'none'
        ? `Not needed: the credentials are a fixed token (fingerprint ${token.fingerprint}).`
        : `${grant} returned a token ${validity} (fingerprint ${token.fingerprint})${attempts}.`,
    facts,
    value: token,
  };
}

/** Reads the user that calls act as: the service account, or the user in the credentials. */
export async function readAccount(
  { fetch, apiUrl }: BoxAuth,
  runtime: Runtime,
  secrets: readonly string[],
): Promise<StepOutcome<'account'>> {
  const url = `${apiUrl}${CURRENT_USER_PATH}`;
  const facts = await withTimeout(url, runtime, async (signal) =>
    readUser(await fetch(url, { redirect: 'manual', signal }), secrets),
  );
  return { summary: `Calls act as ${describeUser(facts)}.`, facts, value: undefined };
}

/** Checks whether calls can act for `user`. */
export async function checkActingUser(
  box: BoxAuth,
  user: string,
  runtime: Runtime,
  secrets: readonly string[],
): Promise<StepOutcome<'as-user'>> {
  const url = `${box.apiUrl}${CURRENT_USER_PATH}`;
  const facts = await withTimeout(url, runtime, async (signal) =>
    readUser(
      await box.provider.runAs(user, () => box.fetch(url, { redirect: 'manual', signal })),
      secrets,
    ),
  );
  return { summary: `Calls can act for ${describeUser(facts)}.`, facts, value: undefined };
}

function describeUser({ id, name, login }: Partial<DoctorFacts['account']>): string {
  return `${name ?? 'no name'} <${login ?? 'no login'}>, user ${id}`;
}

function decodeJson(part: string): Record<string, unknown> {
  const json: unknown = JSON.parse(Buffer.from(part, 'base64url').toString('utf8'));
  return isRecord(json) ? json : {};
}

/** Counts the requests of a `fetch`. */
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
