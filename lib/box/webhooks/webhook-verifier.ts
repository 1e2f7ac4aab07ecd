import { types } from 'node:util';
import * as v from 'valibot';
import type { BoxAuthError } from '../../core/errors/box-auth.error.js';
import { redact } from '../../core/errors/redact.js';
import type { Runtime } from '../../core/runtime/runtime.js';
import { rawBodyMissing, webhookInvalid } from './webhook-errors.js';
import type { BoxWebhookEvent } from './webhook-event.js';
import type { WebhookKeys } from './webhook-keys.js';
import {
  isSameSignature,
  SIGNATURE_ALGORITHM,
  SIGNATURE_VERSION,
  webhookHeaders,
  webhookSignature,
} from './webhook-signature.js';

/** Headers with names in lower case, such as those of `node:http`, or a `Headers` object. */
export type BoxWebhookHeaders =
  Headers | Readonly<Record<string, string | readonly string[] | undefined>>;

/** The bytes of a body, and the headers of its request. */
export interface BoxWebhookRequest {
  /** The bytes as they were received. A parsed body, or one that was serialized again, does not have the signed bytes. */
  readonly body: Uint8Array | ArrayBuffer;
  readonly headers: BoxWebhookHeaders;
}

/** A request whose body may be missing. */
export interface UnreadWebhook {
  readonly body: unknown;
  readonly headers: BoxWebhookHeaders;
}

/** When a delivery is accepted. */
export interface WebhookTimeWindow {
  readonly maxAgeMs: number;
  readonly skewMs: number;
}

const KEYS_HINT =
  'Compare primaryKey and secondaryKey with the keys in the developer console, on the Webhooks tab of the app. Check that no proxy changes the body.';
const DELIVERY_HINT =
  'Only Box should send requests to this address. If Box sent it, check whether a proxy removes or changes headers. Headers in a record need names in lower case.';
const RAW_BODY_HINT =
  'In a Nest app: NestFactory.create(AppModule, { rawBody: true }), without `bodyParser: false`. Elsewhere pass the received bytes as `body`, such as `await request.arrayBuffer()`.';
const CLOCK_HINT =
  'Synchronize the clock of this machine (NTP). Otherwise the request may be a repetition by an attacker.';

/** RFC 3339 section 5.6. */
const RFC_3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)$/i;

const id = v.optional(v.string());
const webhook = v.looseObject({ id: v.string() });
const event = v.union([
  v.looseObject({ trigger: v.literal('NO_ACTIVE_SESSION'), id, webhook: v.optional(webhook) }),
  v.looseObject({ trigger: v.pipe(v.string(), v.notValue('NO_ACTIVE_SESSION')), id, webhook }),
]);

/** Verifies that webhooks come from Box, unchanged and just now. */
export class WebhookVerifier {
  constructor(
    private readonly keys: WebhookKeys,
    private readonly window: WebhookTimeWindow,
    private readonly runtime: Pick<Runtime, 'now'>,
  ) {}

  /**
   * Returns the event of a request.
   *
   * @throws BoxAuthError `webhook_invalid`, `webhook_raw_body_missing`, `option_invalid` without keys, or
   * `credentials_unavailable` if a function of the options fails
   */
  async verify({ body, headers }: UnreadWebhook): Promise<BoxWebhookEvent> {
    const { timestamp, primary, secondary } = signaturesIn(headers);
    const bytes = bytesOf(body);
    const keys = await this.keys.current();
    // Compares all, so that the time does not depend on which key matches.
    const matches = [
      ...keys.primary.map((key) => isSignedWith(key, bytes, timestamp, primary)),
      ...keys.secondary.map((key) => isSignedWith(key, bytes, timestamp, secondary)),
    ];
    if (!matches.includes(true)) {
      throw webhookInvalid('No signature of the webhook matches its body and a key.', KEYS_HINT);
    }
    this.#checkTime(timestamp);
    return parseEvent(bytes);
  }

  #checkTime(timestamp: string): void {
    const { maxAgeMs, skewMs } = this.window;
    const sentAt = RFC_3339.test(timestamp) ? Date.parse(timestamp) : Number.NaN;
    const ageMs = this.runtime.now() - sentAt;
    if (Number.isNaN(ageMs)) {
      throw invalidHeader(webhookHeaders.timestamp, 'a time by RFC 3339', timestamp);
    }
    if (ageMs > maxAgeMs) {
      throw webhookInvalid(
        `The webhook was sent ${ageMs} ms ago, longer than \`maxAgeMs\`, which is ${maxAgeMs}.`,
        CLOCK_HINT,
      );
    }
    if (ageMs < -skewMs) {
      throw webhookInvalid(
        `The webhook was sent ${-ageMs} ms in the future, more than \`skewMs\`, which is ${skewMs}.`,
        CLOCK_HINT,
      );
    }
  }
}

interface Signatures {
  readonly timestamp: string;
  readonly primary: string | undefined;
  readonly secondary: string | undefined;
}

/** @throws BoxAuthError `webhook_invalid` */
function signaturesIn(headers: BoxWebhookHeaders): Signatures {
  const read = (name: string) => headerOf(headers, name);
  const primary = read(webhookHeaders.primary);
  const secondary = read(webhookHeaders.secondary);
  if (primary === undefined && secondary === undefined) {
    throw webhookInvalid(
      `The request has no signature: ${webhookHeaders.primary} and ${webhookHeaders.secondary} are both missing.`,
      `Box signs webhooks only if the app has signature keys: generate them in the developer console, on the Webhooks tab. ${DELIVERY_HINT}`,
    );
  }
  const expected = {
    [webhookHeaders.version]: SIGNATURE_VERSION,
    [webhookHeaders.algorithm]: SIGNATURE_ALGORITHM,
  };
  for (const [name, value] of Object.entries(expected)) {
    const received = read(name);
    if (received !== value) throw invalidHeader(name, JSON.stringify(value), received);
  }
  const timestamp = read(webhookHeaders.timestamp);
  if (timestamp === undefined) {
    throw invalidHeader(webhookHeaders.timestamp, 'a time by RFC 3339', timestamp);
  }
  return { timestamp, primary, secondary };
}

function invalidHeader(name: string, expected: string, received: string | undefined): BoxAuthError {
  const shown = received === undefined ? 'nothing' : JSON.stringify(redact(received, [], 40));
  return webhookInvalid(
    `Invalid header ${name} of a webhook: expected ${expected}, received ${shown}.`,
    DELIVERY_HINT,
  );
}

/** Undefined if the header is missing, or was sent several times. */
function headerOf(headers: BoxWebhookHeaders, name: string): string | undefined {
  if (isHeaders(headers)) return headers.get(name) ?? undefined;
  const value = headers[name];
  if (typeof value === 'string') return value;
  return value?.length === 1 ? value[0] : undefined;
}

/** Recognizes any implementation, such as that of undici. A record has no function as a value. */
function isHeaders(headers: BoxWebhookHeaders): headers is Headers {
  return typeof headers.get === 'function';
}

function isSignedWith(
  key: string,
  body: Uint8Array,
  timestamp: string,
  received: string | undefined,
): boolean {
  return isSameSignature(webhookSignature(key, body, timestamp), received ?? '');
}

/** @throws BoxAuthError `webhook_raw_body_missing` */
function bytesOf(body: unknown): Uint8Array {
  if (ArrayBuffer.isView(body)) {
    return new Uint8Array(body.buffer, body.byteOffset, body.byteLength);
  }
  if (types.isAnyArrayBuffer(body)) return new Uint8Array(body);
  const received =
    body === undefined
      ? 'nothing'
      : typeof body === 'string'
        ? 'a string'
        : 'a value that is not bytes';
  throw rawBodyMissing(
    `Invalid body of a webhook: expected the bytes that were received, received ${received}.`,
    RAW_BODY_HINT,
  );
}

/** @throws BoxAuthError `webhook_invalid` */
function parseEvent(bytes: Uint8Array): BoxWebhookEvent {
  const parsed = parseJson(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
  if (v.is(event, parsed)) {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the fields that the type requires are checked; the rest is Box's
    return parsed as BoxWebhookEvent;
  }
  throw webhookInvalid(
    'The signature of the webhook is valid, but its body is not an event: expected JSON with a trigger and the id of the webhook.',
    'Send only webhooks (version 2) of Box to this address.',
  );
}

function parseJson(text: Buffer): unknown {
  try {
    return JSON.parse(text.toString('utf8'));
  } catch {
    return undefined;
  }
}
