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
  SECOND,
  type CaseContext,
  taken,
  token,
} from './token-store-harness.js';

/** The case that can only be played on a store that can be emptied. */
export const AFTER_RESET = 'fences do not go back when everything was lost';

/** What is expected of every store, by its name. */
export const tokenStoreCases: Readonly<Record<string, (context: CaseContext) => Promise<void>>> = {
  'the first who claims shall mint': async ({ store, id }) => {
    const fence = await lease(store, id, 'first');
    assert.ok(Number.isSafeInteger(fence) && fence > 0, `a fence is a whole number: ${fence}`);
  },

  'the second who claims is told that somebody mints, by another handle as well': async (
    context,
  ) => {
    const { store, id } = context;
    await lease(store, id, 'first');
    assert.deepEqual(await claim(store, id, 'second'), { state: 'leased' });
    assert.deepEqual(await claim(await context.create(), id, 'third'), { state: 'leased' });
  },

  'who has the lease and claims again keeps it, with the same fence': async (context) => {
    const { store, id } = context;
    const fence = await lease(store, id, 'first');
    for (let extended = 0; extended < 3; extended++) {
      await context.advance(0.75 * MINUTE);
      // As somebody does who mints, and does not want what may have come in between.
      const again = await claim(store, id, 'first', fence);
      assert.deepEqual(again, { state: 'claimed', fence });
    }
    assert.deepEqual(await claim(store, id, 'second'), { state: 'leased' });
  },

  'a lease ends by itself': async (context) => {
    const { store, id } = context;
    const fence = await lease(store, id, 'first');
    await context.advance(MINUTE);
    assert.ok((await lease(store, id, 'second')) > fence);
  },

  'what is published is given to everybody, with its age': async (context) => {
    const { store, id } = context;
    const fence = await lease(store, id, 'first');
    const requestedAt = performance.now();
    await store.publish(id, fence, token('shared'), 5 * SECOND);
    await context.advance(10 * MINUTE);
    for (const handle of [store, await context.create()]) {
      const given = await taken(handle, id);
      assert.equal(given.token.value, 'shared');
      assert.equal(given.fence, fence);
      expectAge(given.ageMs, 10 * MINUTE + 5 * SECOND, requestedAt);
    }
  },

  'a token is given as it was published: expiry, scopes and all': async ({ store, id }) => {
    const written: StoredToken = {
      value: `${'x'.repeat(4_000)} "ü" 漢 \\ \n {}`,
      lifetimeMs: 3_599_001,
      expiresAt: 1_767_225_600_123,
      scopes: ['root_readwrite', 'a b', 'ü'],
    };
    await publish(store, id, written);
    const { token: read } = await taken(store, id);
    assert.deepEqual({ ...read }, { ...written });
    await publish(store, `${id} bare`, token('bare'));
    assert.equal((await taken(store, `${id} bare`)).token.scopes, undefined);
    await publish(store, `${id} empty`, { ...token('empty'), scopes: [] });
    assert.deepEqual((await taken(store, `${id} empty`)).token.scopes, []);
  },

  'publishing ends the lease': async ({ store, id }) => {
    const fence = await publish(store, id, token('first'));
    assert.ok((await lease(store, id, 'second', fence)) > fence);
  },

  'a token that is not newer than wanted will not do': async ({ store, id }) => {
    const fence = await publish(store, id, token('refused'));
    assert.equal((await taken(store, id, fence - 1)).fence, fence);
    assert.ok((await lease(store, id, 'second', fence)) > fence);
    assert.ok((await lease(store, `${id} later`, 'second', fence + HOUR)) > fence + HOUR);
  },

  'an older fence loses, whichever is published first': async (context) => {
    const { store, id } = context;
    for (const isSlowFirst of [true, false]) {
      const name = `${id} ${isSlowFirst}`;
      const slow = await lease(store, name, 'slow');
      await context.advance(MINUTE);
      const quick = await lease(store, name, 'quick');
      const both = [
        () => store.publish(name, slow, token('slow'), 0),
        () => store.publish(name, quick, token('quick'), 0),
      ];
      for (const publishOne of isSlowFirst ? both : both.toReversed()) await publishOne();
      assert.equal((await taken(store, name)).token.value, 'quick');
    }
  },

  'publishing with an older fence does not end a newer lease': async (context) => {
    const { store, id } = context;
    const slow = await lease(store, id, 'slow');
    await context.advance(MINUTE);
    await lease(store, id, 'quick');
    await store.publish(id, slow, token('slow'), 0);
    assert.equal((await taken(store, id)).token.value, 'slow');
    assert.deepEqual(await claim(store, id, 'third', slow), { state: 'leased' });
  },

  'fences rise, whatever became of the claims before': async (context) => {
    const { store, id } = context;
    let last = 0;
    const next = async (newerThan = 0) => {
      const fence = await lease(store, id, 'claimant', newerThan);
      assert.ok(fence > last, `${fence} is not above ${last}`);
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
    // Who counts from one would be found out: the clock of a store is far above a thousand.
    const before = await publish(context.store, id, token('lost'), 1_000);
    await context.reset?.();
    const store = await context.create();
    assert.ok((await lease(store, id, 'forgetful')) >= before);
    await context.reset?.();
    assert.ok((await lease(await context.create(), id, 'mindful', before)) > before);
  },

  'invalidating forgets a token, but not a newer one': async ({ store, id }) => {
    const first = await publish(store, id, token('first'));
    const second = await publish(store, id, token('second'), first);
    await store.invalidate(id, first);
    assert.equal((await taken(store, id)).fence, second);
    await store.invalidate(id, second);
    await lease(store, id, 'third');
    await store.invalidate(`${id} unknown`, second);
  },

  'who fails has everybody wait, says why and for how long': async (context) => {
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

  'who fails without a pause makes room at once': async ({ store, id }) => {
    const fence = await lease(store, id, 'first');
    await store.fail(id, 'first', 0, '');
    assert.ok((await lease(store, id, 'second')) > fence);
  },

  'who has no lease cannot fail for the others': async (context) => {
    const { store, id } = context;
    await store.fail(id, 'nobody', MINUTE, 'not me');
    const fence = await lease(store, id, 'first');
    await store.fail(id, 'second', MINUTE, 'not me');
    assert.deepEqual(await claim(store, id, 'second'), { state: 'leased' });
    await store.publish(id, fence, token('published'), 0);
    await store.fail(id, 'first', MINUTE, 'too late');
    await lease(store, id, 'third', fence);
  },

  'a pause keeps nobody from a token that will do, and a new token ends it': async (context) => {
    const { store, id } = context;
    const first = await publish(store, id, token('first'));
    const second = await lease(store, id, 'second', first);
    await store.fail(id, 'second', 5 * MINUTE, 'a reason');
    assert.equal((await taken(store, id)).fence, first);
    expectPaused(await claim(store, id, 'third', first), 5 * MINUTE, 'a reason');
    await store.publish(id, second, token('second'), 0);
    await lease(store, id, 'third', second);
  },

  'a token is gone when its lifetime is over': async (context) => {
    const { store, id } = context;
    await publish(store, id, { ...token('short'), lifetimeMs: 10 * MINUTE }, 0, 4 * MINUTE);
    await context.advance(3 * MINUTE);
    assert.equal((await taken(store, id)).token.value, 'short');
    await context.advance(3 * MINUTE);
    await lease(store, id, 'second');
    await publish(store, `${id} late`, { ...token('late'), lifetimeMs: MINUTE }, 0, MINUTE);
    await lease(store, `${id} late`, 'second');
  },

  'a token of which nobody knows how long it lives is kept for hours': async (context) => {
    const { store, id } = context;
    const unknown = { value: 'unknown', lifetimeMs: undefined, expiresAt: undefined };
    const requestedAt = performance.now();
    await publish(store, id, unknown, 0, 7 * SECOND);
    await context.advance(3 * HOUR);
    const given = await taken(store, id);
    assert.deepEqual(
      [given.token.value, given.token.lifetimeMs, given.token.expiresAt],
      ['unknown', undefined, undefined],
    );
    expectAge(given.ageMs, 3 * HOUR + 7 * SECOND, requestedAt);
  },

  'identities are never mixed up, whatever they contain': async ({ store, id }) => {
    const long = 'x'.repeat(10_000);
    const endings = [
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
    endings.push(
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
    const names = endings.flatMap((ending) => [`${id}${ending}`, `${ending}${id}`]);
    const distinct = [...new Set(names)];
    for (const [index, name] of distinct.entries())
      await publish(store, name, token(`of ${index}`));
    for (const [index, name] of distinct.entries()) {
      assert.equal((await taken(store, name)).token.value, `of ${index}`);
    }
  },

  'of fifty who claim at once exactly one shall mint': async (context) => {
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
