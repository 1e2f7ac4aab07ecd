import { Controller, type ExecutionContext, Get, type INestApplication } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import fc from 'fast-check';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { AsUser, BoxAuthModule, BoxFetch } from 'nestjs-box-auth';
import { boxAuth } from 'nestjs-box-auth/express';
import { BoxEmulator } from 'nestjs-box-auth/testing';
import { thrownBy } from '../support/thrown.js';

const nobody = () => undefined;

/** Every value that is not one of these, as code without types may pass it. */
const anythingBut = (...allowed: readonly unknown[]) =>
  fc
    .oneof(
      fc.constantFrom<unknown>('false', 'no', 'true', '', 0, 1, null, {}, [], nobody, Symbol('x')),
      fc.anything(),
    )
    .filter((value) => !allowed.includes(value));

describe('@AsUser is rejected when the class is defined', () => {
  it.each([
    ['optional', anythingBut(undefined, true, false)],
    ['via', anythingBut(undefined, 'header', 'token')],
  ])('for an option `%s` of another kind', async (name, values) => {
    await fc.assert(
      fc.asyncProperty(values, async (value) => {
        const error = await thrownBy(() => AsUser(nobody, { [name]: value }));
        expect(error.code).toBe('option_invalid');
        expect(error.message).toContain(`\`${name}\``);
      }),
    );
  });

  it('for options that are not an object', async () => {
    const values = anythingBut(undefined).filter(
      (value) => typeof value !== 'object' || value === null || Array.isArray(value),
    );
    await fc.assert(
      fc.asyncProperty(values, async (value) => {
        const error = await thrownBy(() => AsUser(nobody, value as never));
        expect(error.code).toBe('option_invalid');
        expect(error.message).toContain('options of @AsUser');
      }),
    );
  });

  it.each(['Optional', 'optionel', 'vai', 'user'])(
    'for an option that it does not have: %s',
    async (name) => {
      const error = await thrownBy(() => AsUser(nobody, { [name]: false }));
      expect(error.code).toBe('option_invalid');
      expect(error.message).toContain(`\`${name}\``);
    },
  );

  it('with the type of the received value, but not its text', async () => {
    const error = await thrownBy(() => AsUser(nobody, { optional: 'a-secret' as never }));
    expect(error.message).toBe(
      'Invalid option `optional` of @AsUser: expected true or false, received a string of 8 characters.',
    );
  });
});

describe('boxAuth of Express is rejected when it is created', () => {
  it.each([
    ['optional', anythingBut(undefined, true, false)],
    ['via', anythingBut(undefined, 'header', 'token')],
    ['actingUser', anythingBut(undefined).filter((value) => typeof value !== 'function')],
  ])('for an option `%s` of another kind', async (name, values) => {
    await fc.assert(
      fc.asyncProperty(values, async (value) => {
        const options = { credentials: { developerToken: 'x' }, actingUser: nobody, [name]: value };
        const error = await thrownBy(() => boxAuth(options));
        expect(error.code).toBe('option_invalid');
        expect(error.message).toContain(name);
      }),
    );
  });
});

/** What the resolver of the next request yields. */
let yielded: unknown;
const resolver = (_context: ExecutionContext) => yielded as string;
const resolverLater = (_context: ExecutionContext) => Promise.resolve(yielded) as Promise<string>;

async function me(box: BoxFetch): Promise<unknown> {
  return (await box('/2.0/users/me')).json();
}

@Controller()
class ResolvedController {
  constructor(private readonly box: BoxFetch) {}

  @Get('now')
  @AsUser(resolver)
  now() {
    return me(this.box);
  }

  @Get('later')
  @AsUser(resolverLater)
  later() {
    return me(this.box);
  }

  @Get('optional-now')
  @AsUser(resolver, { optional: true })
  optionalNow() {
    return me(this.box);
  }

  @Get('optional-later')
  @AsUser(resolverLater, { optional: true })
  optionalLater() {
    return me(this.box);
  }
}

describe('A resolver of @AsUser', () => {
  let emulator: BoxEmulator;
  let app: INestApplication;
  let url: string;
  beforeAll(async () => {
    emulator = await BoxEmulator.start();
    const testing = await Test.createTestingModule({
      imports: [
        BoxAuthModule.forRoot({ credentials: { config: emulator.config }, apiUrl: emulator.url }),
      ],
      controllers: [ResolvedController],
    }).compile();
    app = testing.createNestApplication();
    app.useLogger(false);
    await app.listen(0, '127.0.0.1');
    url = await app.getUrl();
  });
  beforeEach(() => emulator.clearRequests());
  afterEach(() => {
    yielded = undefined;
  });
  afterAll(async () => {
    await app.close();
    await emulator.stop();
  });

  const paths = ['now', 'later', 'optional-now', 'optional-later'];

  it.each(paths)(
    'that yields what is not a user id fails the request before any call: %s',
    async (path) => {
      const values = fc
        .oneof(
          fc.constantFrom<unknown>(
            '',
            ' ',
            '0x1',
            ' 11111',
            11111,
            11111n,
            Number.NaN,
            0,
            false,
            true,
          ),
          fc.constantFrom<unknown>(
            {},
            [],
            ['11111'],
            Object('11111'),
            { id: '11111' },
            new Date(0),
          ),
          fc.anything(),
        )
        .filter(
          (value) =>
            value != null &&
            !(typeof value === 'string' && /^[0-9]{1,20}$/.test(value)) &&
            !(typeof value === 'object' && 'then' in value),
        );
      await fc.assert(
        fc.asyncProperty(values, async (value) => {
          yielded = value;
          expect((await fetch(`${url}/${path}`)).ok).toBe(false);
          expect(emulator.apiRequests).toEqual([]);
        }),
        { numRuns: 50 },
      );
    },
  );

  it.each([null, undefined])(
    'that yields %s serves the service account only if it is optional',
    async (none) => {
      yielded = none;
      const answers = await Promise.all(paths.map((path) => fetch(`${url}/${path}`)));
      expect(answers.map(({ ok }) => ok)).toEqual([false, false, true, true]);
      expect(emulator.apiRequests.map(({ actingUser }) => actingUser)).toEqual([
        undefined,
        undefined,
      ]);
    },
  );
});
