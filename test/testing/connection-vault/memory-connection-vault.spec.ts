import { connectionVaultConformance, MemoryConnectionVault } from 'nestjs-box-auth/testing';
import { describe, expect, it } from 'vitest';
import { FakeRuntime } from '../../support/fake-runtime.js';

describe('MemoryConnectionVault conforms', () => {
  const runtime = new FakeRuntime();
  const vault = new MemoryConnectionVault(runtime);
  const cases = connectionVaultConformance({
    create: () => Promise.resolve(vault),
    advance: (ms) => runtime.advance(ms),
    now: () => runtime.now(),
  });
  it.each(cases)('$name', async ({ run }) => {
    await expect(run()).resolves.toBeUndefined();
  });
});
