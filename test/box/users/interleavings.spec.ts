import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { BoxAuthError } from 'nestjs-box-auth';
import { ScriptedDirectory } from './scripted-directory.js';

const KEYS = ['e1', 'e2'];
const PROCESSES = 2;

/** A call of one of the processes. */
interface Operation {
  readonly process: number;
  readonly key: string;
  readonly method: 'find' | 'findOrCreate' | 'forget';
}

const operation: fc.Arbitrary<Operation> = fc.record({
  process: fc.nat(PROCESSES - 1),
  key: fc.constantFrom(...KEYS),
  method: fc.constantFrom<Operation['method']>('find', 'findOrCreate', 'findOrCreate', 'forget'),
});

interface History {
  readonly scheduler: fc.Scheduler;
  readonly operations: readonly Operation[];
  /** The calls of the API whose response is lost. */
  readonly lost: readonly number[];
}

const histories: fc.Arbitrary<History> = fc.record({
  scheduler: fc.scheduler(),
  operations: fc.array(operation, { minLength: 2, maxLength: 12 }),
  lost: fc.uniqueArray(fc.nat(20), { maxLength: 3 }),
});

interface Outcome extends Operation {
  /** Whether a findOrCreate of the same process had returned before. */
  readonly isKnown: boolean;
  readonly result: string | undefined;
}

/** Several processes of one app. Each history has external ids of its own. */
class Fleet {
  readonly directory = new ScriptedDirectory();
  readonly #processes = Array.from({ length: PROCESSES }, () => this.directory.process());
  #histories = 0;

  async start(): Promise<this> {
    await Promise.all(this.#processes.map(({ box }) => box.provider.getToken()));
    return this;
  }

  /** Runs the operations; the scheduler decides when each one starts, and when requests and responses arrive. */
  async run({ scheduler, operations, lost }: History): Promise<Outcome[]> {
    this.#histories += 1;
    let calls = 0;
    this.directory.intercept = async (_, respond) => {
      const number = calls++;
      await scheduler.schedule(Promise.resolve(), `request ${number}`);
      const response = respond();
      await scheduler.schedule(Promise.resolve(), `response ${number}`);
      if (lost.includes(number)) throw new TypeError('fetch failed');
      return response;
    };
    const known = new Set<string>();
    const outcomes: Outcome[] = [];
    const running = operations.map(async (one, index) => {
      await scheduler.schedule(Promise.resolve(), `${one.method} ${index}`);
      const name = `${one.process} ${one.key}`;
      const isKnown = known.has(name);
      try {
        const result = await this.#execute(one);
        if (one.method !== 'forget') outcomes.push({ ...one, isKnown, result });
        if (one.method === 'findOrCreate') known.add(name);
      } catch (error) {
        if (!(error instanceof BoxAuthError)) throw error;
      }
    });
    await scheduler.waitFor(Promise.all(running));
    this.directory.intercept = (_, respond) => respond();
    return outcomes;
  }

  usersWith(key: string) {
    const { externalAppUserId } = this.#query(key);
    return this.directory.users.filter(({ externalId }) => externalId === externalAppUserId);
  }

  /** The user that each process finds once it has forgotten all results. */
  async foundByAll(key: string): Promise<(string | undefined)[]> {
    await this.directory.runtime.advance(3_600_000);
    return Promise.all(this.#processes.map(({ users }) => users.find(this.#query(key))));
  }

  #query(key: string) {
    return { externalAppUserId: `${key} of history ${this.#histories}` };
  }

  async #execute({ process, key, method }: Operation): Promise<string | undefined> {
    const users = this.#processes[process]?.users;
    const query = this.#query(key);
    if (method === 'findOrCreate') return users?.findOrCreate({ ...query, name: key });
    if (method === 'find') return users?.find(query);
    users?.forget(query);
    return undefined;
  }
}

it('However calls of two processes interleave, there is one user for each external id', async () => {
  const fleet = await new Fleet().start();
  await fc.assert(
    fc.asyncProperty(histories, async (history) => {
      const outcomes = await fleet.run(history);
      for (const key of KEYS) {
        const [user, ...others] = fleet.usersWith(key);
        expect(others).toEqual([]);
        for (const { method, isKnown, result } of outcomes.filter((one) => one.key === key)) {
          if (method === 'find' && !isKnown) expect([undefined, user?.id]).toContain(result);
          else expect(result).toBe(user?.id ?? 'the id of a user');
        }
      }
    }),
  );
});

it('If Box creates several users with an external id, all processes find the first one in the end', async () => {
  const fleet = await new Fleet().start();
  fleet.directory.isUnique = false;
  await fc.assert(
    fc.asyncProperty(histories, async (history) => {
      await fleet.run(history);
      for (const key of KEYS) {
        const [user] = fleet.usersWith(key);
        expect(new Set(await fleet.foundByAll(key))).toEqual(new Set([user?.id]));
      }
    }),
  );
});

it('One process creates no second user, even if Box would', async () => {
  const fleet = await new Fleet().start();
  fleet.directory.isUnique = false;
  await fc.assert(
    fc.asyncProperty(histories, async ({ scheduler, operations }) => {
      const ofOneProcess = operations.map((one) => ({ ...one, process: 0 }));
      await fleet.run({ scheduler, operations: ofOneProcess, lost: [] });
      for (const key of KEYS) expect(fleet.usersWith(key).length).toBeLessThanOrEqual(1);
    }),
  );
});
