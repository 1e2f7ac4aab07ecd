import { describe, expect, it } from 'vitest';
import { run } from './cli-fixture.js';

describe('connections sql', () => {
  it.each([
    [
      'postgres',
      'create table if not exists "box_connections" (',
      'owner text collate "C" not null',
    ],
    ['mysql', 'create table if not exists `box_connections` (', 'owner varbinary(1020) not null'],
    ['sqlite', 'create table if not exists "box_connections" (', 'owner text not null'],
  ])('prints the tables for %s', async (dialect, table, column) => {
    const { exitCode, stdout, stderr } = await run(['connections', 'sql', '--dialect', dialect]);
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    expect(stdout).toContain(table);
    expect(stdout).toContain(column);
    expect(stdout).toContain('box_connection_states');
    expect(stdout).toMatch(/;\n$/);
  });

  it('uses the prefix and the schema', async () => {
    const names = ['--prefix', 'portal_', '--schema', 'box'];
    const { stdout } = await run(['connections', 'sql', '--dialect', 'postgres', ...names]);
    expect(stdout).toContain('table if not exists "box"."portal_connections"');
    expect(stdout).toContain('"portal_connections_idle"\n  on "box"."portal_connections"');
    expect(stdout).not.toContain('box_');
  });
});
