import { beforeEach, describe, expect, it } from 'vitest';
import { BoxAuthError } from 'nestjs-box-auth';
import { GuardedVault } from '../../../lib/core/connections/guarded-vault.js';
import { MemoryConnectionVault } from '../../../lib/testing/connection-vault/memory-connection-vault.js';
import { KEY } from '../../support/connections.js';
import { FakeRuntime } from '../../support/fake-runtime.js';
import { thrownBy } from '../../support/thrown.js';

let runtime: FakeRuntime;
let vault: GuardedVault;
beforeEach(() => {
  runtime = new FakeRuntime();
  vault = new GuardedVault(new MemoryConnectionVault(runtime), runtime);
});

const errorWith = (code: 'vault_unavailable' | 'vault_unreadable') =>
  new BoxAuthError({ code, message: 'No.', hint: 'Do.', docs: 'https://example.com' });

describe('A command to the vault', () => {
  it('resolves with the result of the vault', async () => {
    expect(await vault.send((store) => store.release(KEY, 'holder'))).toBeUndefined();
    expect(await vault.send((store) => store.load(KEY))).toBeUndefined();
    expect(await vault.send((store) => store.list({ app: 'app', limit: 1 }))).toEqual([]);
  });

  it.each([
    ['rejects', () => Promise.reject(new Error('connect ECONNREFUSED'))],
    [
      'throws',
      () => {
        throw new Error('connect ECONNREFUSED');
      },
    ],
  ])('fails with vault_unavailable if the vault %s', async (_, command) => {
    expect(await thrownBy(() => vault.send(command))).toMatchObject({
      code: 'vault_unavailable',
      retryable: true,
      cause: { message: 'connect ECONNREFUSED' },
    });
  });

  it('fails with the error of the vault if that explains the outage', async () => {
    const error = errorWith('vault_unavailable');
    expect(await thrownBy(() => vault.send(() => Promise.reject(error)))).toBe(error);
  });

  it('fails with vault_unavailable if the vault rejects with any other error of this package', async () => {
    const cause = errorWith('vault_unreadable');
    const error = await thrownBy(() => vault.send(() => Promise.reject(cause)));
    expect(error).toMatchObject({ code: 'vault_unavailable', cause: { message: 'No.' } });
  });

  it('fails after exactly 5 s without a response', async () => {
    let isSettled = false;
    const error = thrownBy(() => vault.send(() => new Promise(() => undefined))).finally(() => {
      isSettled = true;
    });
    await runtime.advance(4_999);
    expect(isSettled).toBe(false);
    await runtime.advance(1);
    expect(await error).toMatchObject({
      code: 'vault_unavailable',
      cause: { message: 'No response within 5000 ms.' },
    });
    expect(runtime.timers).toBe(0);
  });
});
