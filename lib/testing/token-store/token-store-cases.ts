import assert from 'node:assert/strict';
import type { StoredToken } from '../../core/tokens/token-store.js';
import {
  claim,
  expectAge,
  expectPaused,
  HOUR,
  lease,
  MINUTE,
  publish,
  readToken,
  SECOND,
  type CaseContext,
  token,
} from './token-store-harness.js';

/** This case needs a harness with `reset`. */
export const AFTER_RESET = 'fences never decrease, even after the store lost everything';

/** The rules of every store, by name. */
export const tokenStoreCases: Readonly<Record<string, (context: CaseContext) => Promise<void>>> = {
  'grants the first claim': async ({ store, id }) => {
    const fence = await lease(store, id, 'first');
    assert.ok(
      Number.isSafeInteger(fence) && fence > 0,
      `Expected a positive whole number, received ${fence}`,
    );
  },

  'reports a lease to other claims, through any handle': async (context) => {
    const { store, id } = context;
    await lease(store, id, 'first');
    assert.deepEqual(await claim(store, id, 'second'), { state: 'leased' });
    assert.deepEqual(await claim(await context.create(), id, 'third'), { state: 'leased' });
  },

  'keeps the lease and its fence when the owner claims again': async (context) => {
    const { store, id } = context;
    const fence = await lease(store, id, 'first');
    for (let extended = 0; extended < 3; extended++) {
      await context.advance(0.75 * MINUTE);
      // The owner rejects a token that was published in the meantime.
      const again = await claim(store, id, 'first', fence);
      assert.deepEqual(again, { state: 'claimed', fence });
    }
    assert.deepEqual(await claim(store, id, 'second'), { state: 'leased' });
  },

  'ends a lease when its time is over': async (context) => {
    const { store, id } = context;
    const fence = await lease(store, id, 'first');
    await context.advance(MINUTE);
    assert.ok((await lease(store, id, 'second')) > fence);
  },

  'returns a published token with its age, through any handle': async (context) => {
    const { store, id } = context;
    const fence = await lease(store, id, 'first');
    const requestedAt = performance.now();
    await store.publish(id, fence, token('shared'), 5 * SECOND);
    await context.advance(10 * MINUTE);
    for (const handle of [store, await context.create()]) {
      const read = await readToken(handle, id);
      assert.equal(read.token.value, 'shared');
      assert.equal(read.fence, fence);
      expectAge(read.ageMs, 10 * MINUTE + 5 * SECOND, requestedAt);
    }
  },

  'returns a token unchanged, with expiry and scopes': async ({ store, id }) => {
    const written: StoredToken = {
      value: `${'x'.repeat(4_000)} "ü" 漢 \\ \n {}`,
      lifetimeMs: 3_599_001,
      expiresAt: 1_767_225_600_123,
      scopes: ['root_readwrite', 'a b', 'ü'],
    };
    await publish(store, id, written);
    const { token: read } = await readToken(store, id);
    assert.deepEqual({ ...read }, { ...written });
    await publish(store, `${id} bare`, token('bare'));
    assert.equal((await readToken(store, `${id} bare`)).token.scopes, undefined);
    await publish(store, `${id} empty`, { ...token('empty'), scopes: [] });
    assert.deepEqual((await readToken(store, `${id} empty`)).token.scopes, []);
  },

  'ends the lease when a token is published': async ({ store, id }) => {
    const fence = await publish(store, id, token('first'));
    assert.ok((await lease(store, id, 'second', fence)) > fence);
  },

  'does not return a token that is not newer than requested': async ({ store, id }) => {
    const fence = await publish(store, id, token('refused'));
    assert.equal((await readToken(store, id, fence - 1)).fence, fence);
    assert.ok((await lease(store, id, 'second', fence)) > fence);
    assert.ok((await lease(store, `${id} later`, 'second', fence + HOUR)) > fence + HOUR);
  },

  'keeps the token with the newer fence, in either order': async (context) => {
    const { store, id } = context;
    for (const isSlowFirst of [true, false]) {
      const name = `${id} ${isSlowFirst}`;
      const slow = await lease(store, name, 'slow');
      await context.advance(MINUTE);
      const quick = await lease(store, name, 'quick');
      const publications = [
        () => store.publish(name, slow, token('slow'), 0),
        () => store.publish(name, quick, token('quick'), 0),
      ];
      for (const publishOne of isSlowFirst ? publications : publications.toReversed())
        await publishOne();
      assert.equal((await readToken(store, name)).token.value, 'quick');
    }
  },

  'keeps a newer lease when an older fence publishes': async (context) => {
    const { store, id } = context;
    const slow = await lease(store, id, 'slow');
    await context.advance(MINUTE);
    await lease(store, id, 'quick');
    await store.publish(id, slow, token('slow'), 0);
    assert.equal((await readToken(store, id)).token.value, 'slow');
    assert.deepEqual(await claim(store, id, 'third', slow), { state: 'leased' });
  },

  'increases the fence with every claim, whatever its outcome': async (context) => {
    const { store, id } = context;
    let last = 0;
    const next = async (newerThan = 0) => {
      const fence = await lease(store, id, 'claimant', newerThan);
      assert.ok(fence > last, `Expected a fence above ${last}, received ${fence}`);
      last = fence;
      return fence;
    };
    for (let round = 0; round < 20; round++) {
      await next();
      await store.fail(id, 'claimant', 0, '');
      const refused = await next();
      await store.publish(id, refused, token('refused'), 0);
      await store.invalidate(id, refused);
      await next();
      await context.advance(MINUTE);
      const published = await next();
      await store.publish(id, published, token('published'), 0);
      await next(published);
      await store.fail(id, 'claimant', 0, '');
      await store.invalidate(id, published);
    }
  },

  [AFTER_RESET]: async (context) => {
    const { id } = context;
    // Detects a store that counts from one: fences based on its clock are far above a thousand.
    const before = await publish(context.store, id, token('lost'), 1_000);
    await context.reset?.();
    const store = await context.create();
    assert.ok((await lease(store, id, 'first')) >= before);
    await context.reset?.();
    assert.ok((await lease(await context.create(), id, 'second', before)) > before);
  },

  'invalidates a token, but not a newer one': async ({ store, id }) => {
    const first = await publish(store, id, token('first'));
    const second = await publish(store, id, token('second'), first);
    await store.invalidate(id, first);
    assert.equal((await readToken(store, id)).fence, second);
    await store.invalidate(id, second);
    await lease(store, id, 'third');
    await store.invalidate(`${id} unknown`, second);
  },

  'reports a failure to all claims, with its reason and pause': async (context) => {
    const { store, id } = context;
    const reason = 'Box says: slow down ("429")\nü';
    await lease(store, id, 'first');
    await store.fail(id, 'first', 5 * MINUTE, reason);
    for (const handle of [store, await context.create()]) {
      expectPaused(await claim(handle, id, 'second'), 5 * MINUTE, reason);
    }
    await context.advance(2 * MINUTE);
    expectPaused(await claim(store, id, 'first'), 3 * MINUTE, reason);
    await context.advance(3 * MINUTE);
    await lease(store, id, 'second');
  },

  'ends the lease at once after a failure without a pause': async ({ store, id }) => {
    const fence = await lease(store, id, 'first');
    await store.fail(id, 'first', 0, '');
    assert.ok((await lease(store, id, 'second')) > fence);
  },

  'ignores a failure from an owner without a lease': async (context) => {
    const { store, id } = context;
    await store.fail(id, 'stranger', MINUTE, 'not me');
    const fence = await lease(store, id, 'first');
    await store.fail(id, 'second', MINUTE, 'not me');
    assert.deepEqual(await claim(store, id, 'second'), { state: 'leased' });
    await store.publish(id, fence, token('published'), 0);
    await store.fail(id, 'first', MINUTE, 'too late');
    await lease(store, id, 'third', fence);
  },

  'returns a suitable token during a pause, which ends with a new token': async (context) => {
    const { store, id } = context;
    const first = await publish(store, id, token('first'));
    const second = await lease(store, id, 'second', first);
    await store.fail(id, 'second', 5 * MINUTE, 'a reason');
    assert.equal((await readToken(store, id)).fence, first);
    expectPaused(await claim(store, id, 'third', first), 5 * MINUTE, 'a reason');
    await store.publish(id, second, token('second'), 0);
    await lease(store, id, 'third', second);
  },

  'drops a token after its lifetime': async (context) => {
    const { store, id } = context;
    await publish(store, id, { ...token('short'), lifetimeMs: 10 * MINUTE }, 0, 4 * MINUTE);
    await context.advance(3 * MINUTE);
    assert.equal((await readToken(store, id)).token.value, 'short');
    await context.advance(3 * MINUTE);
    await lease(store, id, 'second');
    await publish(store, `${id} late`, { ...token('late'), lifetimeMs: MINUTE }, 0, MINUTE);
    await lease(store, `${id} late`, 'second');
  },

  'keeps a token of unknown lifetime for hours': async (context) => {
    const { store, id } = context;
    const unknown = { value: 'unknown', lifetimeMs: undefined, expiresAt: undefined };
    const requestedAt = performance.now();
    await publish(store, id, unknown, 0, 7 * SECOND);
    await context.advance(3 * HOUR);
    const read = await readToken(store, id);
    assert.deepEqual(
      [read.token.value, read.token.lifetimeMs, read.token.expiresAt],
      ['unknown', undefined, undefined],
    );
    expectAge(read.ageMs, 3 * HOUR + 7 * SECOND, requestedAt);
  },

  'keeps identities apart, whatever characters they contain': async ({ store, id }) => {
    const long = 'x'.repeat(10_000);
    const suffixes = [
      '',
      ' ',
      'a',
      'A',
      'ä',
      'a\u0308',
      '漢',
      '😀',
      '{a}',
      '}a{',
      '{',
      '{}',
      'a:token',
    ];
    suffixes.push(
      'a:lease',
      'a\nb',
      'a b',
      '*',
      '?',
      '"',
      '\\',
      '%00',
      long,
      `${long}y`,
      `${long}z`,
    );
    const names = suffixes.flatMap((suffix) => [`${id}${suffix}`, `${suffix}${id}`]);
    const distinct = [...new Set(names)];
    for (const [index, name] of distinct.entries())
      await publish(store, name, token(`of ${index}`));
    for (const [index, name] of distinct.entries()) {
      assert.equal((await readToken(store, name)).token.value, `of ${index}`);
    }
  },

  'grants exactly one of fifty concurrent claims': async (context) => {
    const handles = await Promise.all(Array.from({ length: 5 }, () => context.create()));
    const claims = await Promise.all(
      Array.from({ length: 50 }, async (_, index) => {
        const handle = handles[index % handles.length] ?? context.store;
        return await claim(handle, context.id, `owner ${index}`);
      }),
    );
    const states = claims.map(({ state }) => state).toSorted();
    assert.deepEqual(states, ['claimed', ...Array.from({ length: 49 }, () => 'leased')]);
  },
};
