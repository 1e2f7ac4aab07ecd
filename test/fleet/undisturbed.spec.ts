import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { describeWithRedis, RedisServer } from '../support/redis-server.js';
import { callsAt } from '../redis/store-commands.js';
import { CountedBox } from './counted-box.js';
import { Fleet, MAX_TEST_MS, until } from './fleet.js';
import type { SharedRedis } from './messages.js';

const PROCESSES = 12;
const CALLERS = 20;
const LIFETIME_S = 6;
/** No token is handed out in the last quarter of its lifetime. */
const MARGIN_MS = (LIFETIME_S * 1_000) / 4;
/** The share of a lifetime before the earliest refresh: see lib/core/tokens/token-schedule.ts. */
const EARLIEST_RENEWAL = 11 / 16;

describeWithRedis(`${PROCESSES} processes of ${CALLERS} callers`, { timeout: MAX_TEST_MS }, () => {
  let fleet: Fleet;
  let redis: RedisServer;
  let box: CountedBox;
  beforeAll(async () => {
    fleet = await Fleet.start(PROCESSES);
  });
  beforeEach(async () => {
    redis = await RedisServer.start();
    box = await CountedBox.start(LIFETIME_S);
  });
  afterEach(async () => {
    await Promise.all([redis.stop(), box.stop()]);
  });
  afterAll(() => fleet.end());

  /** Both clients share the tokens in Redis. */
  const shared = (index: number): SharedRedis => ({
    client: index % 2 === 0 ? 'ioredis' : 'node-redis',
    nodes: [{ host: '127.0.0.1', port: redis.port }],
  });
  const order = () => ({ ...box.address, callers: CALLERS, pauseMs: 1_000, userIds: [] });

  it('request one token per lifetime, and twelve without a store', async () => {
    const { emulator } = box;
    const begunAt = performance.now();
    fleet.run(order(), shared);
    await until(() => box.isOneTokenFor(PROCESSES));
    await redis.command('CONFIG', 'RESETSTAT');
    const renewedFrom = box.mints;
    await delay(2 * LIFETIME_S * 1_000);
    const commands = await callsAt(redis);
    const renewals = box.mints - renewedFrom;
    const report = await fleet.stop();
    const lifetimes = (performance.now() - begunAt) / (LIFETIME_S * 1_000 * EARLIEST_RENEWAL);
    console.info(
      `undisturbed: ${report.calls} calls, ${box.mints} mints in ${lifetimes.toFixed(1)} lives, ` +
        `at most ${emulator.mostConcurrentMints} at once, ${report.errors.length} errors, ` +
        `${report.expiredServed} expired served, ${box.refusedCalls} refused, ${fleet.outages} outages, ${report.waits}; ` +
        `${renewals} renewals by ${commands['evalsha'] ?? 0} scripts`,
    );
    expect(report.errors).toEqual([]);
    expect(report.expiredServed).toBe(0);
    expect(report.refusedWithin(MARGIN_MS)).toBe(0);
    // One per lifetime. A machine that stalls for longer than a lease sends a second request, or finds Redis too slow.
    expect(box.mints).toBeLessThanOrEqual(2 * Math.ceil(lifetimes) + fleet.outages);
    expect(box.mints).toBeGreaterThanOrEqual(2);

    const sharedAtOnce = emulator.mostConcurrentMints;
    emulator.tokenLifetimeS = 3;
    box.forget();
    fleet.run(order());
    await until(() => box.mints >= 2 * PROCESSES);
    const alone = await fleet.stop();
    console.info(
      `without a store: ${box.mints} mints in 2 lives, at most ${emulator.mostConcurrentMints} at once, ${alone.waits}`,
    );
    expect(emulator.mostConcurrentMints).toBeGreaterThan(sharedAtOnce);
    expect([...box.requestsBy(box.tokenRequests).values()].every((own) => own >= 2)).toBe(true);
  });

  it('request one token after Box revoked the shared one', async () => {
    box.emulator.tokenLifetimeS = 3_600;
    fleet.run(order(), shared);
    await until(() => box.isOneTokenFor(PROCESSES));
    const mintsBefore = box.mints;
    const revoked = new Set(box.lastTokens.values());
    box.emulator.revokeAllTokens();
    await until(
      () =>
        box.isOneTokenFor(PROCESSES) &&
        [...box.lastTokens.values()].every((last) => !revoked.has(last)),
    );
    const { refusedCalls } = box;
    const report = await fleet.stop();
    console.info(
      `revoked: ${box.mints - mintsBefore} mints, at most ${box.emulator.mostConcurrentMints} at once, ${report.errors.length} errors, ` +
        `${refusedCalls} refused, ${report.waits}`,
    );
    expect(report.errors).toEqual([]);
    expect(mintsBefore).toBeLessThanOrEqual(1 + fleet.outages);
    expect(box.mints - mintsBefore).toBeLessThanOrEqual(1 + fleet.outages);
    // After a refusal no process uses the token again; only calls in flight are refused.
    expect(box.refusedCalls).toBe(refusedCalls);
    expect(refusedCalls).toBeLessThanOrEqual(PROCESSES * CALLERS);
  });

  it('continue after the process with the lease is killed, as soon as the lease expires', async () => {
    // Fewer are enough: all but one wait for the same lease.
    const members = fleet.members.slice(-4);
    box.nextFault = { kind: 'hang' };
    for (const [index, member] of members.entries()) {
      member.run({ ...order(), redis: shared(index) });
    }
    const held = await until(() => box.tokenRequests[0]);
    // The process keeps its lease during its token request.
    await delay(2_000);
    expect(box.tokenRequests).toHaveLength(1);

    const minting = members.find(({ name }) => name === held.member);
    const lease = (await redis.dump()).find(({ key }) => key.endsWith(':lease'));
    const killedAt = performance.now();
    await minting?.kill();
    const next = await until(() => box.tokenRequests[1]);
    const tookMs = next.atMs - killedAt;
    const others = members.filter((member) => member !== minting);
    await until(() => box.isOneTokenFor(others.length));
    const report = await fleet.stop(others);
    console.info(
      `minter killed: the next token request ${tookMs.toFixed(0)} ms later (its lease had ${lease?.ttlMs} ms left), ` +
        `${box.mints} mints, ${report.errors.length} errors, ${report.waits}`,
    );
    expect(next.member).not.toBe(held.member);
    expect(report.errors).toEqual([]);
    expect(box.tokenRequests).toHaveLength(2);
    // About two seconds on an idle machine. If the lease did not expire, it would be thirty.
    expect(tookMs).toBeLessThan((lease?.ttlMs ?? 0) + 3_000);
  });
});
