import type { FakeRuntime } from './fake-runtime.js';

/** A token request that the endpoint received. */
export interface Received {
  readonly url: string;
  readonly at: number;
  readonly form: URLSearchParams;
  readonly init: RequestInit;
}

type Responder = (request: Received) => Response | Promise<Response>;

/** A token endpoint that sends the scripted responses in order, and then grants tokens. */
export class ScriptedEndpoint {
  readonly received: Received[] = [];
  readonly #script: Responder[] = [];
  /** Responds once the script has ended. */
  otherwise: Responder = (request) => this.grant(request);
  lifetimeS: number | undefined = 3600;
  /** How far its clock is ahead, in milliseconds. */
  skewMs = 0;
  inFlight = 0;
  maxInFlight = 0;

  constructor(private readonly runtime: FakeRuntime) {}

  script(...responders: Responder[]): this {
    this.#script.push(...responders);
    return this;
  }

  fetch = async (input: unknown, init: RequestInit = {}): Promise<Response> => {
    const form = new URLSearchParams(typeof init.body === 'string' ? init.body : '');
    const request = { url: String(input), at: this.runtime.monotonic(), form, init };
    this.received.push(request);
    this.inFlight += 1;
    this.maxInFlight = Math.max(this.maxInFlight, this.inFlight);
    try {
      return await (this.#script.shift() ?? this.otherwise)(request);
    } finally {
      this.inFlight -= 1;
    }
  };

  grant = ({ form }: Received): Response =>
    this.json(200, {
      access_token: `token-${this.received.length}-for-${form.get('box_subject_id') ?? 'assertion'}`,
      token_type: 'bearer',
      ...(this.lifetimeS === undefined ? {} : { expires_in: this.lifetimeS }),
    });

  json(status: number, body: unknown, headers: Record<string, string> = {}): Response {
    return new Response(JSON.stringify(body), {
      status,
      headers: { 'content-type': 'application/json', date: this.date, ...headers },
    });
  }

  get date(): string {
    return new Date(this.runtime.now() + this.skewMs).toUTCString();
  }
}

/** Error responses and failures of a token endpoint. */
export const refuse =
  (
    endpoint: ScriptedEndpoint,
    status: number,
    error: string,
    description: string,
    headers: Record<string, string> = {},
  ) =>
  (): Response =>
    endpoint.json(status, { error, error_description: description }, headers);

export const broken = (code: string) => (): Promise<Response> =>
  Promise.reject(
    new TypeError('fetch failed', {
      cause: Object.assign(new Error(`${code} happened`), { code }),
    }),
  );

/** Never responds, and rejects when the request is aborted. */
export const silence = ({ init }: Received): Promise<Response> =>
  new Promise((_, reject) => {
    init.signal?.addEventListener('abort', () => reject(new DOMException('aborted', 'AbortError')));
  });
