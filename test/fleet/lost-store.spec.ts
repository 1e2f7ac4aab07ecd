import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it, type TestContext } from 'vitest';
import type { EmulatedConfig } from '../../lib/testing/box/emulated-app.js';
import { BoxEmulator } from '../../lib/testing/box/box-emulator.js';
import { describeWithRedis, RedisServer } from '../support/redis-server.js';
import { CountedBox } from './counted-box.js';
import { Fleet, MAX_TEST_MS, until } from './fleet.js';

const PROCESSES = 12;
const CALLERS = 20;
const PAUSE_MS = 2_000;
const LIFETIME_S = 6;
const HALF_LIFETIME_MS = (LIFETIME_S * 1_000) / 2;
/** No token is handed out in the last quarter of its lifetime. */
const MARGIN_MS = (LIFETIME_S * 1_000) / 4;

interface Outage {
  readonly begin: (redis: RedisServer) => Promise<unknown>;
  readonly end: (redis: RedisServer) => Promise<unknown>;
}

const outages: Readonly<Record<string, Outage>> = {
  'is killed': { begin: (redis) => redis.kill(), end: (redis) => redis.restart() },
  'hangs with open connections': {
    begin: async (redis) => redis.pause(),
    end: async (redis) => redis.resume(),
  },
  'is out of memory': {
    begin: (redis) => redis.command('CONFIG', 'SET', 'maxmemory', 1),
    end: (redis) => redis.command('CONFIG', 'SET', 'maxmemory', 0),
  },
  'becomes a read-only replica': {
    begin: (redis) => redis.command('REPLICAOF', '127.0.0.1', 1),
    end: (redis) => redis.command('REPLICAOF', 'NO', 'ONE'),
  },
};

describeWithRedis('A fleet whose Redis', { timeout: MAX_TEST_MS }, () => {
  let config: EmulatedConfig;
  let fleet: Fleet;
  beforeAll(async () => {
    const emulator = await BoxEmulator.start();
    ({ config } = emulator);
    await emulator.stop();
    fleet = await Fleet.start(PROCESSES);
  });
  afterAll(() => fleet.end());

  describe('for a while', () => {
    it.for([...Object.entries(outages), ['is down at the start', undefined]] as const)(
      '%s',
      async ([name, outage], context) => {
        const { redis, box } = await started(config, context);
        const memberEvents = () => fleet.members.map(({ storeEvents }) => storeEvents);
        const isEverywhere = (state: 'away' | 'back') =>
          memberEvents().every((events) => events.at(-1) === state);
        const isNowhereAway = () => memberEvents().every((events) => events.at(-1) !== 'away');

        if (outage === undefined) await redis.kill();
        fleet.run(
          { ...box.address, callers: CALLERS, pauseMs: PAUSE_MS, userIds: [] },
          shared(redis),
        );
        // On a loaded machine Redis is slow now and then. Such an outage ends before this one begins.
        if (outage !== undefined) {
          await until(() => box.isOneTokenFor(PROCESSES) && isNowhereAway());
        }
        const eventsBefore = memberEvents().map(({ length }) => length);
        const requestsBefore = box.tokenRequests.length;
        const outageBeganAt = performance.now();
        await outage?.begin(redis);
        const alone = () => box.requestsBy(box.tokenRequests.slice(requestsBefore));
        // Each process has refreshed its token without the store.
        await until(() => isEverywhere('away') && alone().size === PROCESSES);
        await delay(LIFETIME_S * 1_000);
        const mintsAlone = [...alone().values()];
        const halfLives = Math.ceil((performance.now() - outageBeganAt) / HALF_LIFETIME_MS);
        const outageEvents = memberEvents().map((events, index) =>
          events.slice(eventsBefore[index]).join(' '),
        );

        await (outage?.end(redis) ?? redis.restart());
        await until(() => isEverywhere('back') && box.isOneTokenFor(PROCESSES));
        const mintsShared = box.mints;
        await delay(LIFETIME_S * 1_000);
        const mintsAfter = box.mints - mintsShared;
        const report = await fleet.stop();

        console.info(
          `${name}: ${report.calls} calls, mints while away ${mintsAlone.join(' ')} in ${halfLives / 2} lives, ` +
            `then ${mintsAfter} for all; at most ${box.emulator.mostConcurrentMints} at once, ${report.errors.length} errors, ` +
            `${report.expiredServed} expired served, ${box.refusedCalls} refused, ${fleet.outages} outages, ${report.waits}`,
        );
        expect(report.errors).toEqual([]);
        expect(report.expiredServed).toBe(0);
        expect(report.refusedWithin(MARGIN_MS)).toBe(0);
        expect(outageEvents).toEqual(fleet.members.map(() => 'away'));
        expect(Math.max(...mintsAlone)).toBeLessThanOrEqual(halfLives);
      },
    );

    it('is restarted without its data', async (context) => {
      const { redis, box } = await started(config, context);
      fleet.run(
        { ...box.address, callers: CALLERS, pauseMs: PAUSE_MS, userIds: [] },
        shared(redis),
      );
      await until(() => box.isOneTokenFor(PROCESSES));
      await redis.restart();
      expect(await redis.dump()).toEqual([]);
      const before = box.mints;
      const [old] = box.lastTokens.values();
      // The refresh of the cached tokens uses the new Redis.
      await until(
        () =>
          box.isOneTokenFor(PROCESSES) &&
          [...box.lastTokens.values()].every((last) => last !== old),
      );
      const kept = (await redis.dump()).find(({ key }) => key.endsWith(':token'));
      const mints = box.mints - before;
      const report = await fleet.stop();
      console.info(
        `restarted: ${report.calls} calls, ${mints} mints for one renewal, ${report.errors.length} errors, ` +
          `${box.refusedCalls} refused, ${report.waits}`,
      );
      expect(report.errors).toEqual([]);
      expect(report.refusedWithin(MARGIN_MS)).toBe(0);
      expect(kept).toBeDefined();
      expect(mints).toBeLessThanOrEqual(1 + fleet.outages);
    });
  });
});

const shared = (redis: RedisServer) => (index: number) => ({
  client: index % 2 === 0 ? ('ioredis' as const) : ('node-redis' as const),
  nodes: [{ host: '127.0.0.1', port: redis.port }],
});

async function started(config: EmulatedConfig, { onTestFinished }: TestContext) {
  const redis = await RedisServer.start();
  onTestFinished(() => redis.stop());
  const box = await CountedBox.start(LIFETIME_S, config);
  onTestFinished(() => box.stop());
  return { redis, box };
}
