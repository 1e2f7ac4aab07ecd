import fc from 'fast-check';

/** A secret inside hostile values. Nothing that is shown may contain it. */
export const PLANTED_SECRET = 'pl4nted-Secret-0123456789abcdef';

const throwing = () => {
  throw new Error(`access_token=${PLANTED_SECRET}`);
};

/** An object on which every operation throws. */
function revokedProxy(): object {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  return proxy;
}

function circularError(): Error {
  const error = new Error('circular');
  error.cause = error;
  return error;
}

/* oxlint-disable unicorn/no-thenable -- some of these are thenables that misbehave */

/** Unexpected values, each from a function, so that no run changes the values of the next. */
const ODD: readonly (() => unknown)[] = [
  () => undefined,
  () => null,
  () => '',
  () => 0,
  () => Number.NaN,
  () => Number.POSITIVE_INFINITY,
  () => -1n,
  () => true,
  () => Symbol(PLANTED_SECRET),
  () => [],
  () => [undefined],
  () => new Map(),
  () => new Set([1]),
  () => new Date(Number.NaN),
  () => new Uint8Array(0),
  () => Object.create(null) as unknown,
  () => () => PLANTED_SECRET,
  () => new Proxy({}, { get: throwing, has: throwing, getPrototypeOf: throwing }),
  revokedProxy,
  () => ({ then: throwing }),
  () => ({ then: (_: unknown, reject: (reason: unknown) => void) => reject(undefined) }),
  () => ({ then: (resolve: (value: unknown) => void) => resolve([]) }),
  () => Object.defineProperty({}, 'then', { get: throwing }),
  () =>
    Object.defineProperties(new Error('x'), {
      message: { get: throwing },
      code: { get: throwing },
    }),
  () => Object.defineProperty(new Error('x'), 'cause', { get: throwing }),
  circularError,
  () => new Error(`-----BEGIN PRIVATE KEY-----\n${PLANTED_SECRET}`, { cause: PLANTED_SECRET }),
  () => `client_secret=${PLANTED_SECRET}`,
  () => `\u001b[31m\u0000\u202e${'x'.repeat(5_000)}`,
];

/** Makes an unexpected value. It is a function because fast-check inspects values, and some of these throw. */
export const oddValue: fc.Arbitrary<() => unknown> = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom(...ODD) },
  {
    weight: 1,
    arbitrary: fc
      .anything({ withBigInt: true, withNullPrototype: true })
      .map((value) => () => value),
  },
);

type Odd = (...args: never[]) => unknown;

const WAYS: readonly ((make: () => unknown) => Odd)[] = [
  (make) => make,
  (make) => () => {
    throw make();
  },
  (make) => async () => make(),
  (make) => async () => {
    throw make();
  },
  () => () => new Promise(() => undefined),
];

/** A function that returns, throws, resolves or rejects with what `values` make, or never settles. */
export function oddFunction(values: fc.Arbitrary<() => unknown> = oddValue): fc.Arbitrary<Odd> {
  return fc.tuple(fc.constantFrom(...WAYS), values).map(([way, make]) => way(make));
}
