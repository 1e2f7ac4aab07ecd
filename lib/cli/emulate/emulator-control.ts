import type { IncomingMessage, ServerResponse } from 'node:http';
import * as v from 'valibot';
import type { BoxEmulator } from '../../testing/box/box-emulator.js';
import { isJsonObject } from '../../testing/http/http-response.js';

const MAX_BODY_BYTES = 64 * 1024;

const target = v.union([
  v.picklist(['token', 'revoke', 'api', 'download']),
  v.custom<`${string} /${string}`>(
    (value) => typeof value === 'string' && /^[A-Z]+ \//.test(value),
  ),
]);
const milliseconds = v.pipe(v.number(), v.safeInteger());

/** The faults that JSON can express. */
const fault = v.variant('kind', [
  faultOf('status', {
    status: v.pipe(v.number(), v.integer(), v.minValue(200), v.maxValue(599)),
    headers: v.exactOptional(v.record(v.string(), v.string())),
    body: v.exactOptional(v.union([v.string(), v.record(v.string(), v.unknown())])),
  }),
  faultOf('rate-limit', {
    retryAfter: v.union([v.pipe(v.number(), v.safeInteger(), v.minValue(0)), v.string()]),
  }),
  faultOf('unavailable', {}),
  faultOf('refuse', {
    error: v.string(),
    errorDescription: v.string(),
    status: v.exactOptional(v.pipe(v.number(), v.integer(), v.minValue(400), v.maxValue(599))),
  }),
  faultOf('redirect', { location: v.string() }),
  faultOf('garbage', {
    body: v.exactOptional(v.string()),
    contentType: v.exactOptional(v.string()),
  }),
  faultOf('huge', {}),
  faultOf('delay', { ms: v.pipe(milliseconds, v.minValue(0), v.maxValue(2 ** 31 - 1)) }),
  faultOf('reset', {}),
  faultOf('hang', {}),
]);

function faultOf<const Kind extends string, Fields extends v.ObjectEntries>(
  kind: Kind,
  fields: Fields,
) {
  const processed = v.exactOptional(v.boolean());
  return v.strictObject({ kind: v.literal(kind), processed, ...fields });
}

const enterprise = v.strictObject({ enterprise: v.string() });

/** @throws ValiError for an invalid body */
type Control = (emulator: BoxEmulator, body: unknown) => unknown;

/** The requests that change the emulator, by their path below `/emulator`. */
const CONTROLS: Readonly<Record<string, Control>> = {
  fail: control(
    v.strictObject({
      target,
      fault,
      /** All requests until `heal` if it is missing. */
      times: v.optional(v.pipe(v.number(), v.safeInteger(), v.minValue(1), v.maxValue(10_000))),
    }),
    (emulator, { target: failing, fault: injected, times }) => {
      if (times === undefined) emulator.always(failing, injected);
      else emulator.failNext(failing, injected, times);
    },
  ),
  heal: control(v.strictObject({ target: v.optional(target) }), (emulator, { target: healed }) => {
    emulator.heal(healed);
  }),
  revoke: control(v.strictObject({ token: v.optional(v.string()) }), (emulator, { token }) => {
    if (token === undefined) emulator.revokeAllTokens();
    else emulator.revokeToken(token);
  }),
  clock: control(v.strictObject({ skewMs: milliseconds }), (emulator, { skewMs }) => {
    emulator.clockSkewMs = skewMs;
  }),
  enterprises: control(
    v.strictObject({
      id: v.string(),
      name: v.exactOptional(v.string()),
      users: v.exactOptional(
        v.array(v.strictObject({ id: v.string(), name: v.string(), login: v.string() })),
      ),
      authorized: v.exactOptional(v.boolean()),
    }),
    (emulator, added) => emulator.addEnterprise(added),
  ),
  authorize: control(enterprise, (emulator, { enterprise: id }) => emulator.authorize(id)),
  disconnect: control(v.strictObject({ user: v.string() }), (emulator, { user }) => {
    emulator.revokeUserConnection(user);
  }),
  redeliver: control(v.strictObject({ delivery: v.string() }), (emulator, { delivery }) =>
    emulator.webhooks.redeliver(delivery),
  ),
  deauthorize: control(enterprise, (emulator, { enterprise: id }) => emulator.deauthorize(id)),
};

function control<Schema extends v.GenericSchema>(
  schema: Schema,
  apply: (emulator: BoxEmulator, body: v.InferOutput<Schema>) => unknown,
): Control {
  return (emulator, body) => apply(emulator, v.parse(schema, body));
}

/**
 * Adds `POST /emulator/fail` and the other controls, so that tests in any language can change the emulator. They require JSON as their `content-type`: a page in a browser cannot send that to another origin.
 */
export function addControls(emulator: BoxEmulator): void {
  for (const [name, apply] of Object.entries(CONTROLS)) {
    emulator.route('POST', `/emulator/${name}`, async (request, response) => {
      const problem = await applied(request, (body) => apply(emulator, body));
      respond(response, problem);
    });
  }
  emulator.route('GET', '/emulator/deliveries', (_request, response) => {
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end(JSON.stringify(emulator.webhooks.deliveries));
  });
}

/** Returns why the request was rejected. */
async function applied(
  request: IncomingMessage,
  apply: (body: unknown) => unknown,
): Promise<string | undefined> {
  const text = await readText(request);
  if (text === undefined) return `Expected at most ${MAX_BODY_BYTES} bytes.`;
  if (request.headers['content-type']?.split(';', 1)[0]?.trim() !== 'application/json') {
    return 'Expected the header content-type: application/json.';
  }
  try {
    const body: unknown = text === '' ? {} : JSON.parse(text);
    if (!isJsonObject(body)) return 'Expected a JSON object.';
    await apply(body);
    return undefined;
  } catch (error) {
    if (error instanceof v.ValiError) {
      const issues: readonly v.BaseIssue<unknown>[] = error.issues;
      return issues.map((issue) => `${v.getDotPath(issue) ?? 'body'}: ${issue.message}`).join('; ');
    }
    // TypeError: a target or an enterprise that the emulator does not have.
    if (error instanceof SyntaxError || error instanceof RangeError || error instanceof TypeError) {
      return error.message;
    }
    throw error;
  }
}

async function readText(request: IncomingMessage): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  let length = 0;
  // Without an encoding, the chunks of a request are Buffers.
  for await (const chunk of request as AsyncIterable<Buffer>) {
    length += chunk.byteLength;
    if (length <= MAX_BODY_BYTES) chunks.push(chunk);
  }
  return length <= MAX_BODY_BYTES ? Buffer.concat(chunks).toString() : undefined;
}

function respond(response: ServerResponse, problem: string | undefined): void {
  if (problem === undefined) {
    response.writeHead(204).end();
    return;
  }
  response.writeHead(400, { 'content-type': 'text/plain; charset=utf-8' });
  response.end(`Invalid request: ${problem}\n`);
}
