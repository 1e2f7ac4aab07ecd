import type { FakeRuntime } from './fake-runtime.js';

/** One token request, as it arrived. */
export interface Received {
  readonly url: string;
  readonly at: number;
  readonly form: URLSearchParams;
  readonly init: RequestInit;
}

type Answer = (request: Received) => Response | Promise<Response>;

/** A token endpoint that answers as it is told, request by request, and grants tokens when it is told nothing. */
export class ScriptedEndpoint {
  readonly received: Received[] = [];
  readonly #answers: Answer[] = [];
  /** What it answers when the script is at its end. */
  otherwise: Answer = (request) => this.grant(request);
  lifetimeS: number | undefined = 3600;
  /** How far its clock is ahead. */
  skewMs = 0;
  inFlight = 0;
  mostInFlight = 0;

  constructor(private readonly runtime: FakeRuntime) {}

  script(...answers: Answer[]): this {
    this.#answers.push(...answers);
    return this;
  }

  fetch = async (input: unknown, init: RequestInit = {}): Promise<Response> => {
    const form = new URLSearchParams(typeof init.body === 'string' ? init.body : '');
    const request = { url: String(input), at: this.runtime.monotonic(), form, init };
    this.received.push(request);
    this.inFlight += 1;
    this.mostInFlight = Math.max(this.mostInFlight, this.inFlight);
    try {
      return await (this.#answers.shift() ?? this.otherwise)(request);
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

/** Answers of a token endpoint that is in trouble. */
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

/** Never answers, but ends when the request is given up. */
export const silence = ({ init }: Received): Promise<Response> =>
  new Promise((_, reject) => {
    init.signal?.addEventListener('abort', () =>
      reject(new DOMException('given up', 'AbortError')),
    );
  });
