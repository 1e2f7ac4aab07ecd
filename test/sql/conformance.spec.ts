import type { Kysely } from 'kysely';
import { migrateConnections, SqlConnectionVault } from 'nestjs-box-auth/sql';
import { connectionVaultConformance } from 'nestjs-box-auth/testing';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { advance, engines, type TestDatabase } from '../support/sql-databases.js';

for (const [name, engine] of Object.entries(engines)) {
  engine.describe(`A SqlConnectionVault in ${name} conforms`, () => {
    let database: TestDatabase;
    let pools: Kysely<unknown>[];
    let opened = 0;

    beforeAll(async () => {
      database = await engine.create();
      pools = [database.open(), database.open()];
      await migrateConnections(poolOf(0));
    });

    afterAll(() => database.drop());

    function poolOf(index: number): Kysely<unknown> {
      const pool = pools[index % pools.length];
      if (pool === undefined) throw new Error('No pool is open.');
      return pool;
    }

    const cases = connectionVaultConformance({
      create: () => Promise.resolve(new SqlConnectionVault(poolOf(opened++))),
      advance: (ms) => advance(poolOf(0), ms),
    });
    it.each(cases)('$name', async ({ run }) => {
      await expect(run()).resolves.toBeUndefined();
    });
  });
}
