import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest';
import { describeWithRedis, RedisClusterServers } from '../support/redis-server.js';
import { CountedBox } from './counted-box.js';
import { Fleet, MAX_TEST_MS, until } from './fleet.js';
import type { SharedRedis } from './messages.js';

// Fewer than twelve are enough: only the distribution of keys is new here.
const PROCESSES = 4;
const LIFETIME_S = 6;
const MARGIN_MS = (LIFETIME_S * 1_000) / 4;
const EARLIEST_RENEWAL_MS = (LIFETIME_S * 1_000 * 11) / 16;
/** Enough subjects, besides the app itself, for every node to store some: of 30 names, one node gets none in 1 of 60,000 runs. */
const userIds = Array.from({ length: 29 }, (_, index) => String(5_000 + index));
const SUBJECTS = 1 + userIds.length;

describeWithRedis('A fleet on a cluster of three', { timeout: MAX_TEST_MS }, () => {
  let fleet: Fleet;
  let cluster: RedisClusterServers;
  beforeAll(async () => {
    [fleet, cluster] = await Promise.all([Fleet.start(PROCESSES), RedisClusterServers.start(3)]);
  });
  afterAll(() => Promise.all([fleet.end(), cluster.stop()]));

  const shared = (): SharedRedis => ({ client: 'ioredis-cluster', nodes: cluster.addresses });
  async function started(lifetimeS: number): Promise<CountedBox> {
    const box = await CountedBox.start(lifetimeS);
    onTestFinished(() => box.stop());
    for (const id of userIds) {
      box.emulator.addUser({ id, name: `User ${id}`, login: `${id}@example.com` });
    }
    fleet.run({ ...box.address, callers: 2 * SUBJECTS, pauseMs: 2_000, userIds }, shared);
    // Each process has two callers per subject, and each caller soon makes its first call.
    await until(() => box.emulator.apiRequests.length >= PROCESSES * SUBJECTS * 2);
    return box;
  }

  it('requests one token per subject and lifetime', async () => {
    const begunAt = performance.now();
    const box = await started(LIFETIME_S);
    const first = box.mints;
    const lifetimes = Math.ceil((performance.now() - begunAt) / EARLIEST_RENEWAL_MS);
    for (const node of cluster.nodes) {
      expect((await node.dump()).some(({ key }) => key.endsWith(':token'))).toBe(true);
    }
    await until(() => box.mints >= 3 * SUBJECTS);
    const report = await fleet.stop();
    const bySubject = new Map<string, number>();
    for (const { subject } of box.emulator.tokenRequests) {
      const id = subject?.id ?? '';
      bySubject.set(id, (bySubject.get(id) ?? 0) + 1);
    }
    console.info(
      `cluster: ${report.calls} calls, ${first} first mints for ${SUBJECTS} subjects, then ${[...bySubject.values()].join(' ')}; ` +
        `${report.errors.length} errors, ${report.expiredServed} expired served, ${box.refusedCalls} refused, ` +
        `${fleet.outages} outages, ${report.waits}`,
    );
    expect(report.errors).toEqual([]);
    expect(report.expiredServed).toBe(0);
    expect(report.refusedWithin(MARGIN_MS)).toBe(0);
    expect(bySubject.size).toBe(SUBJECTS);
    // One each. Without a store, each process would request one for each of its subjects.
    expect(first).toBeLessThanOrEqual(SUBJECTS * (lifetimes + fleet.outages));
  });

  it('requests one token per subject after Box revoked all', async () => {
    const box = await started(3_600);
    const before = box.mints;
    const since = box.emulator.apiRequests.length;
    const revoked = new Set(
      box.emulator.apiRequests.map(({ headers }) => headers['authorization'] ?? ''),
    );
    box.emulator.revokeAllTokens();
    // All members have noticed it for all subjects, and no call has a revoked token.
    await until(() => {
      const later = box.emulator.apiRequests.slice(since);
      const last = later.slice(-PROCESSES * SUBJECTS * 2);
      return (
        later.length >= PROCESSES * SUBJECTS * 6 &&
        last.every(({ headers }) => !revoked.has(headers['authorization'] ?? ''))
      );
    });
    const mints = box.mints - before;
    const report = await fleet.stop();
    console.info(
      `cluster, revoked: ${mints} mints for ${SUBJECTS} subjects, ${report.errors.length} errors, ` +
        `${box.refusedCalls} refused, ${fleet.outages} outages, ${report.waits}`,
    );
    expect(report.errors).toEqual([]);
    expect(mints).toBeLessThanOrEqual(SUBJECTS + fleet.outages * SUBJECTS);
    expect(mints).toBeGreaterThanOrEqual(SUBJECTS);
  });
});
