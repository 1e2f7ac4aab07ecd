import { expect, it } from 'vitest';
import { RememberedIds } from '../../../lib/box/users/remembered-ids.js';
import { FakeRuntime } from '../../support/fake-runtime.js';

it('Of 10,001 results, the least recently used one is forgotten', () => {
  const runtime = new FakeRuntime();
  const ids = new RememberedIds();
  for (let n = 0; n < 10_000; n++) ids.remember(`user ${n}`, String(n), runtime);
  expect(ids.recall('user 0', runtime)).toMatchObject({ id: '0' });
  ids.remember('user 10000', '10000', runtime);
  expect(ids.recall('user 0', runtime)).toMatchObject({ id: '0' });
  expect(ids.recall('user 1', runtime)).toBeUndefined();
  expect(ids.recall('user 2', runtime)).toMatchObject({ id: '2' });
});
