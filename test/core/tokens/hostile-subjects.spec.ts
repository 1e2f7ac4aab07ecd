import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BoxAuthError } from 'nestjs-box-auth';
import { BoxAuth } from '../../../lib/box/box-auth.js';
import { credentials, holdsFor } from '../../support/app-outcome.js';
import { FakeRuntime, settled } from '../../support/fake-runtime.js';
import { oddValue } from '../../support/hostile-values.js';
import { ScriptedEndpoint } from '../../support/scripted-endpoint.js';

describe('An invalid subject', () => {
  it('is rejected by every method, and takes no place in the cache', () =>
    holdsFor(
      fc.oneof(
        fc.tuple(fc.constantFrom('user', 'enterprise', 'group', undefined), oddValue),
        fc.tuple(
          fc.constant('user'),
          fc.string({ maxLength: 60 }).map((id) => () => id),
        ),
      ),
      async ([type, make]) => {
        const id = make();
        fc.pre(!/^[0-9]{1,20}$/.test(typeof id === 'string' ? id : ''));
        const runtime = new FakeRuntime();
        const endpoint = new ScriptedEndpoint(runtime);
        const box = new BoxAuth({
          credentials,
          fetch: endpoint.fetch,
          runtime,
          maxSubjects: 1,
        });
        const alice = { type: 'user', id: '11111' } as const;
        const kept = await box.provider.getToken({ subject: alice });
        const subject = { type, id } as never;
        const ways: Record<string, () => unknown> = {
          get: () => box.tokens.get({ subject }),
          peekFresh: () => box.tokens.peekFresh(subject),
          peek: () => box.tokens.peek(subject),
          failure: () => box.tokens.failure(subject),
          keepWarm: () => box.tokens.keepWarm(subject),
          revoke: () => box.provider.revoke(subject),
          downscope: () => box.provider.downscope({ scopes: ['base_preview'], subject }),
          token$: () =>
            new Promise((_resolve, reject) =>
              box.tokens.token$(subject).subscribe({ error: reject }),
            ),
        };
        for (const [name, way] of Object.entries(ways)) {
          const thrown = await (async () => way())().catch((error: unknown) => error);
          expect(thrown, name).toBeInstanceOf(BoxAuthError);
          expect(thrown, name).toMatchObject({ code: 'subject_invalid' });
        }
        await settled();
        expect(endpoint.received).toHaveLength(1);
        expect(box.tokens.evictions).toBe(0);
        expect(box.tokens.peek(alice)).toBe(kept);
      },
    ));
});
