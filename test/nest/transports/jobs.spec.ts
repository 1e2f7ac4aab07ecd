import { AsyncResource } from 'node:async_hooks';
import { Controller, Get, type INestApplication, Injectable } from '@nestjs/common';
import { Cron, ScheduleModule, SchedulerRegistry } from '@nestjs/schedule';
import { Test } from '@nestjs/testing';
import { concatMap, defer, from, lastValueFrom, toArray } from 'rxjs';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { AsUser, BoxFetch, BoxTokenProvider } from 'nestjs-box-auth';
import { BoxEmulator } from 'nestjs-box-auth/testing';
import { thrownBy } from '../../support/thrown.js';
import {
  ALICE,
  asUsersSeenBy,
  BOB,
  boxModule,
  Crossing,
  expectCallsOfBoth,
  expectNoSecret,
  expectOneCallAs,
  expectOneCallWithTokenOf,
  KeptLog,
  PEOPLE,
  personOf,
  whoAmI,
  whoAmILater,
} from './transport-fixture.js';

/** A job as a queue keeps it: what it is about, and the Box id of the person it is for. */
interface Job {
  readonly userId: string;
  readonly work: () => Promise<string>;
}

/** Works as the workers of queue libraries do: outside of whatever put the job there. */
@Injectable()
class Queue {
  readonly #outside = new AsyncResource('queue');

  constructor(private readonly provider: BoxTokenProvider) {}

  add({ userId, work }: Job): Promise<string> {
    return this.#outside.runInAsyncScope(async () => this.provider.runAs(userId, work));
  }
}

/** Never on its own while a test runs: `disabled` only keeps the clock from firing it. */
const BY_HAND = { disabled: true, waitForCompletion: true };

@Injectable()
class NightlyJobs {
  readonly done: string[] = [];

  constructor(
    private readonly box: BoxFetch,
    private readonly provider: BoxTokenProvider,
  ) {}

  @Cron('0 3 * * *', { ...BY_HAND, name: 'everybody' })
  async everybody(): Promise<void> {
    for (const person of PEOPLE) {
      this.done.push(await this.provider.runAs(person, () => whoAmILater(this.box)));
    }
    this.done.push(await whoAmI(this.box));
  }

  @Cron('0 3 * * *', { ...BY_HAND, name: 'all-at-once' })
  async allAtOnce(): Promise<void> {
    const reports = PEOPLE.map((person) =>
      this.provider.runAs(person, () =>
        lastValueFrom(
          from([1, 2]).pipe(
            concatMap(() => whoAmILater(this.box)),
            toArray(),
          ),
        ),
      ),
    );
    this.done.push(...(await Promise.all(reports)).flat());
  }

  @Cron('0 3 * * *', { ...BY_HAND, name: 'of-nobody' })
  async ofNobody(): Promise<void> {
    await this.provider.runAs('', () => whoAmI(this.box));
  }

  @Cron('0 3 * * *', { ...BY_HAND, name: 'decorated' })
  @AsUser(ALICE)
  async decorated(): Promise<void> {
    this.done.push(await whoAmI(this.box));
  }
}

@Controller()
class UploadsController {
  constructor(
    private readonly box: BoxFetch,
    private readonly queue: Queue,
  ) {}

  @Get()
  @AsUser(ALICE)
  async upload() {
    const forBob = await this.queue.add({ userId: BOB, work: () => whoAmILater(this.box) });
    return [forBob, await whoAmI(this.box)];
  }
}

let emulator: BoxEmulator;
beforeAll(async () => {
  emulator = await BoxEmulator.start();
});
afterAll(() => emulator.stop());

let app: INestApplication;
let box: BoxFetch;
let provider: BoxTokenProvider;
let log: KeptLog;

beforeEach(async () => {
  emulator.clearRequests();
  emulator.asUserEnabled = true;
  const testing = await Test.createTestingModule({
    imports: [boxModule(emulator), ScheduleModule.forRoot()],
    controllers: [UploadsController],
    providers: [NightlyJobs, Queue],
  }).compile();
  app = testing.createNestApplication();
  log = new KeptLog();
  app.useLogger(log);
  await app.listen(0, '127.0.0.1');
  box = app.get(BoxFetch);
  provider = app.get(BoxTokenProvider);
});
afterEach(() => app.close());

describe('A scheduled job', () => {
  /** What the job has done when the scheduler says that it is over. */
  async function fire(name: string): Promise<readonly string[]> {
    await app.get(SchedulerRegistry).getCronJob(name).fireOnTick();
    return app.get(NightlyJobs).done;
  }

  it('acts for one user after the other, and for the service account outside of runAs', async () => {
    expect(await fire('everybody')).toEqual([ALICE, BOB, emulator.serviceAccountId]);
    expect(asUsersSeenBy(emulator)).toEqual([ALICE, BOB, undefined]);
  });

  it('acts for several users at once, also in awaited Observables', async () => {
    expect(await fire('all-at-once')).toEqual([ALICE, ALICE, BOB, BOB]);
    expectCallsOfBoth(emulator, 2);
  });

  it('is rejected without a user, and without a call to Box', async () => {
    expect(await fire('of-nobody')).toEqual([]);
    expect(emulator.requests).toEqual([]);
    expect(log.lines.join()).toContain('acting_user_invalid');
    expectNoSecret(emulator, ...log.lines);
  });

  it('acts for the service account despite @AsUser: no interceptor runs around it', async () => {
    expect(await fire('decorated')).toEqual([emulator.serviceAccountId]);
    expectOneCallAs(emulator, undefined);
  });
});

describe('A job of a queue', () => {
  it('acts for its own user, not for the user that enqueued it', async () => {
    const response = await fetch(await app.getUrl());
    expect(await response.json()).toEqual([BOB, ALICE]);
    expect(asUsersSeenBy(emulator)).toEqual([BOB, ALICE]);
  });

  it('is never mixed with another job, with 40 at once', async () => {
    const crossing = new Crossing(40);
    const work = async () => {
      const before = await whoAmI(box);
      await crossing.arrive();
      return [before, await whoAmILater(box)].join();
    };
    const jobs = Array.from({ length: 40 }, (_, call) => ({ userId: personOf(call), work }));
    const queue = app.get(Queue);
    expect(await Promise.all(jobs.map((job) => queue.add(job)))).toEqual(
      jobs.map(({ userId }) => `${userId},${userId}`),
    );
    expectCallsOfBoth(emulator, 40);
  });

  it.each(['', 'alice', '11111\r\nas-user: 22222'])(
    'is rejected for the user %j before it runs',
    async (userId) => {
      const job = { userId, work: () => whoAmI(box) };
      expect((await thrownBy(() => app.get(Queue).add(job))).code).toBe('acting_user_invalid');
      expect(emulator.requests).toEqual([]);
    },
  );

  it('acts for the service account without runAs', async () => {
    expect(await whoAmI(box)).toBe(emulator.serviceAccountId);
    expectOneCallAs(emulator, undefined);
  });

  it('acts for the user in an Observable only while runAs runs', async () => {
    const later = provider.runAs(ALICE, () => defer(() => whoAmI(box)));
    expect(await lastValueFrom(later)).toBe(emulator.serviceAccountId);
    expect(await provider.runAs(ALICE, () => lastValueFrom(later))).toBe(ALICE);
    expect(asUsersSeenBy(emulator)).toEqual([undefined, ALICE]);
  });

  it('can send a token of the user, which overrides the acting user', async () => {
    const { value } = await provider.getToken({ subject: { type: 'user', id: BOB } });
    const headers = { authorization: `Bearer ${value}` };
    const answer = await provider.runAs(ALICE, () => box('/2.0/users/me', { headers }));
    expect(await answer.json()).toMatchObject({ id: BOB });
    expectOneCallWithTokenOf(emulator, BOB);
  });

  it('receives an error response of Box, and acts for the service account afterwards', async () => {
    emulator.asUserEnabled = false;
    const answer = await provider.runAs(ALICE, () => box('/2.0/users/me'));
    expect(answer.status).toBe(403);
    expect(await whoAmI(box)).toBe(emulator.serviceAccountId);
    expect(asUsersSeenBy(emulator)).toEqual([ALICE, undefined]);
    expectNoSecret(emulator, await answer.text(), ...log.lines);
  });
});
