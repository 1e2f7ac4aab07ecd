import { setImmediate as nextTick } from 'node:timers/promises';
import { type AxiosInstance } from 'axios';
import { type BoxClient } from 'box-node-sdk';
import { type BoxFetch, type BoxTokenProvider, boxApiError } from 'nestjs-box-auth';
import { BoxEmulator } from 'nestjs-box-auth/testing';
import { boxAuthInterceptor } from 'nestjs-box-auth/undici';
import { Agent, fetch as undiciFetch } from 'undici';
import { expect, onTestFinished } from 'vitest';
import { seededRandom, shuffled } from './seeded-random.js';

const TENANTS = 20;
const REQUESTS = 1_000;
const CONCURRENT = 100;
const MAX_DELAY_MS = 5;

/** The package itself asks for `enterprise` alone. */
const FIELDS = ['enterprise', 'role'];
const ME = `/2.0/users/me?fields=${FIELDS.join(',')}`;

/** For whom the calls of a request are made: the service account, or a user by `as-user` or by a user access token. */
export type Identity = 'account' | 'header' | 'token';

/** A request to the app under test. */
export interface Visit {
  readonly enterprise: string;
  /** Undefined for the service account. */
  readonly user: string | undefined;
  readonly identity: Identity;
  readonly client: string;
}

/** The response of the app under test: its status, and whom Box saw. */
export interface Seen {
  readonly status: number;
  readonly id?: string;
  readonly enterprise?: string;
}

/** Calls Box for the current user of Box, by each client. */
export type Clients = Readonly<Record<string, () => Promise<Omit<Seen, 'status'>>>>;

interface Me {
  readonly id: string;
  readonly enterprise: { readonly id: string };
}

/** Starts a Box with 20 enterprises, each with two users. It stops after the test. */
export async function startBox(): Promise<{ emulator: BoxEmulator; enterprises: string[] }> {
  const emulator = await BoxEmulator.start();
  onTestFinished(() => emulator.stop());
  const enterprises = Array.from({ length: TENANTS }, (_, index) => String(7_000_001 + index));
  for (const id of enterprises) {
    const users = usersOf(id).map((user) => ({ id: user, name: user, login: `${user}@box.test` }));
    emulator.addEnterprise({ id, users });
  }
  return { emulator, enterprises };
}

/** All clients of an app. The dispatcher of undici is destroyed after the test. */
export function clientsOf(
  provider: BoxTokenProvider,
  apps: {
    readonly boxFetch: BoxFetch;
    readonly axios: Readonly<Record<string, AxiosInstance>>;
    readonly sdk: BoxClient;
    readonly apiUrl: string;
  },
): Clients {
  const agent = new Agent();
  onTestFinished(() => agent.destroy());
  const dispatcher = agent.compose(boxAuthInterceptor(provider));
  const url = apps.apiUrl + ME;
  return {
    BoxFetch: async () => seenIn(await apps.boxFetch(ME)),
    ...Object.fromEntries(
      Object.entries(apps.axios).map(([name, axios]) => [
        name,
        async () => summaryOf((await axios.get<Me>(url)).data),
      ]),
    ),
    undici: async () => seenIn(await undiciFetch(url, { dispatcher })),
    SDK: async () => {
      const { id, enterprise } = await apps.sdk.users.getUserMe({ fields: FIELDS });
      return { id, enterprise: enterprise?.id ?? '' };
    },
    getHeaders: async () => seenIn(await fetch(url, { headers: await provider.getHeaders(url) })),
  };
}

/** Calls Box after a tick of the event loop, so that other requests run in between. */
export async function callBy(clients: Clients, name: string): Promise<Omit<Seen, 'status'>> {
  const call = clients[name];
  if (call === undefined) throw new TypeError(`There is no client ${name}.`);
  await nextTick();
  return call();
}

/** Reads the response of the app under test. */
export async function seenBy(response: Response): Promise<Seen> {
  const body = (await response.json()) as Omit<Seen, 'status'>;
  return response.ok ? { status: response.status, ...body } : { status: response.status };
}

/**
 * Sends 1,000 interleaved requests of all tenants by all clients, while three tenants remove the app and authorize it again.
 * Checks whom Box saw in each.
 */
export async function visitInterleaved(
  { emulator, enterprises }: Awaited<ReturnType<typeof startBox>>,
  { clients, identities }: { clients: readonly string[]; identities: readonly Identity[] },
  flush: (enterprise: string) => void,
  send: (visit: Visit) => Promise<Seen>,
): Promise<void> {
  const random = seededRandom(20_261_126);
  const visits = shuffled(visitsOf(enterprises, clients, identities), random);
  for (const _visit of visits) {
    emulator.failNext('api', { kind: 'delay', ms: Math.floor(random() * MAX_DELAY_MS) });
  }
  const changing = enterprises.slice(0, 3);
  const changes = new Map<number, () => void>();
  for (const [index, enterprise] of changing.entries()) {
    changes.set(100 + 200 * index, () => emulator.deauthorize(enterprise));
    changes.set(400 + 200 * index, () => {
      emulator.authorize(enterprise);
      flush(enterprise);
    });
  }

  const results: { readonly visit: Visit; readonly seen: Seen }[] = [];
  let sent = 0;
  const lane = async (): Promise<void> => {
    for (let visit = visits[sent]; visit !== undefined; visit = visits[sent]) {
      changes.get(sent++)?.();
      results.push({ visit, seen: await send(visit) });
    }
  };
  await Promise.all(Array.from({ length: CONCURRENT }, lane));

  const isChanging = ({ enterprise }: Visit) => changing.includes(enterprise);
  const expectedOf = (visit: Visit) => ({
    status: 200,
    id: visit.user ?? emulator.serviceAccountIdOf(visit.enterprise),
    enterprise: visit.enterprise,
  });
  const failed = results.filter(({ seen }) => seen.status !== 200);
  expect(results).toHaveLength(REQUESTS);
  for (const { visit, seen } of results) {
    if (seen.status === 200) expect(seen).toEqual(expectedOf(visit));
  }
  expect(failed.filter(({ visit }) => !isChanging(visit))).toEqual([]);
  expect(failed.length, 'no tenant has removed the app').toBeGreaterThan(20);

  const calls = emulator.apiRequests.filter(({ path }) => decodeURIComponent(path) === ME);
  for (const { enterprise, actingUser, subject } of calls) {
    const user = subject?.type === 'user' ? subject.id : actingUser;
    if (user !== undefined) expect(usersOf(enterprise ?? '')).toContain(user);
  }
  for (const enterprise of enterprises.filter((id) => !changing.includes(id))) {
    const requests = emulator.tokenRequests.filter((request) => request.enterprise === enterprise);
    const subjects = [enterprise, ...(identities.includes('token') ? usersOf(enterprise) : [])];
    expect(requests, 'one token for each subject').toHaveLength(subjects.length);
    expect(new Set(requests.map(({ subject }) => subject?.id))).toEqual(new Set(subjects));
  }
  for (const visit of visits.filter(isChanging)) {
    expect(await send(visit)).toEqual(expectedOf(visit));
  }
}

function visitsOf(
  enterprises: readonly string[],
  clients: readonly string[],
  identities: readonly Identity[],
): Visit[] {
  const kinds = enterprises.flatMap((enterprise) =>
    clients.flatMap((client) =>
      identities.flatMap((identity): Visit[] =>
        identity === 'account'
          ? [{ enterprise, user: undefined, identity, client }]
          : usersOf(enterprise).map((user) => ({ enterprise, user, identity, client })),
      ),
    ),
  );
  return Array.from({ length: REQUESTS }, (_, index) => kinds[index % kinds.length]).filter(
    (visit) => visit !== undefined,
  );
}

function usersOf(enterprise: string): string[] {
  return [`${enterprise}1`, `${enterprise}2`];
}

async function seenIn(response: Response): Promise<Omit<Seen, 'status'>> {
  if (!response.ok) throw await boxApiError(response);
  return summaryOf((await response.json()) as Me);
}

function summaryOf({ id, enterprise }: Me): Omit<Seen, 'status'> {
  return { id, enterprise: enterprise.id };
}
