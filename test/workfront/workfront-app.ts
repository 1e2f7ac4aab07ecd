import { generateKeyPairSync } from 'node:crypto';
import { WorkfrontAuth } from '../../lib/workfront/workfront-auth.js';
import type { WorkfrontAuthOptions } from '../../lib/workfront/workfront-auth.options.js';
import type { FakeRuntime } from '../support/fake-runtime.js';
import { type Received, ScriptedEndpoint } from '../support/scripted-endpoint.js';

export const ORIGIN = 'https://acme.my.workfront.com';
export const EXCHANGE_URL = `${ORIGIN}/integrations/oauth2/api/v1/jwt/exchange`;
export const PROJECTS = '/attask/api/v17.0/proj/search';

const pair = generateKeyPairSync('rsa', {
  modulusLength: 2048,
  publicKeyEncoding: { type: 'spki', format: 'pem' },
  privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
});
export const { publicKey } = pair;

/** An application as its page shows it. No id is like another, so that none can be taken for one. */
export const application = {
  clientId: 'c11e4700000000000000000000000001',
  clientSecret: 'q9LmZx3VbN7tRw2KcY8pDf5GhJ4sAe6U',
  customerId: 'c0570000000000000000000000000002',
  userId: '05e20000000000000000000000000003',
  privateKey: pair.privateKey,
};

/** The JWT of a token request. */
export const jwtOf = ({ form }: Received): string => form.get('jwt_token') ?? '';

/** What `work` comes to, with no time passing. Keys sign on other threads: how many turns that takes nobody knows. */
export async function over<T>(runtime: FakeRuntime, work: Promise<T>): Promise<T> {
  const isOver = work.then(
    () => true,
    () => true,
  );
  while (!(await Promise.race([isOver, runtime.advance(0).then(() => false)])));
  return work;
}

/** Lets everything happen but time, until `condition` holds. */
export async function until(runtime: FakeRuntime, condition: () => boolean): Promise<void> {
  while (!condition()) await runtime.advance(0);
  await runtime.advance(0);
}

/** Workfront in the process, on a clock that a test moves: a scripted exchange, and an API that takes its sessions. */
export class ScriptedWorkfront {
  readonly exchange: ScriptedEndpoint;
  readonly calls: { readonly path: string; readonly session: string | null }[] = [];
  /** Sessions that the API takes no more. */
  readonly ended = new Set<string>();
  readonly #runtime: FakeRuntime;

  constructor(runtime: FakeRuntime) {
    this.#runtime = runtime;
    this.exchange = new ScriptedEndpoint(runtime);
  }

  /** An app that uses it. */
  app(options: Partial<WorkfrontAuthOptions> = {}): WorkfrontAuth {
    return new WorkfrontAuth({
      url: ORIGIN,
      ...application,
      fetch: this.fetch,
      runtime: this.#runtime,
      ...options,
    });
  }

  fetch: typeof fetch = (input, init = {}) => {
    const url = new URL(input instanceof Request ? input.url : input);
    if (url.href === EXCHANGE_URL) return this.exchange.fetch(url.href, init);
    return Promise.resolve(this.#answer(url, new Headers(init.headers).get('sessionID')));
  };

  #answer({ pathname }: URL, session: string | null): Response {
    this.calls.push({ path: pathname, session });
    const isTaken = session !== null && !this.ended.has(session) && pathname !== '/attask/api/bad';
    return isTaken ? Response.json({ data: [] }) : new Response(null, { status: 401 });
  }
}
