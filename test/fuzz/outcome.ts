import { inspect } from 'node:util';
import { expect } from 'vitest';
import { BoxAuthError } from 'nestjs-box-auth';
import type { FakeRuntime } from '../support/fake-runtime.js';

/** The result of a call. */
export type Outcome<T> = { readonly value: T } | { readonly error: unknown };

/** Advances the clock until `work` settles. Fails after `limitMs`. */
export async function outcomeOf<T>(
  work: Promise<T>,
  runtime: FakeRuntime,
  limitMs = 120_000,
): Promise<Outcome<T>> {
  const outcomes: Outcome<T>[] = [];
  work.then(
    (value) => outcomes.push({ value }),
    (error: unknown) => outcomes.push({ error }),
  );
  for (let passed = 0; outcomes.length === 0 && passed < limitMs; passed += 5_000) {
    await runtime.advance(5_000);
  }
  return outcomes[0] ?? expect.fail('The call did not settle.');
}

/** Fails unless `error` is one of ours and shows no part of these secrets. */
export function expectOurs(error: unknown, secrets: readonly string[]): void {
  if (!(error instanceof BoxAuthError))
    throw new Error(`Expected a BoxAuthError, received: ${inspect(error)}`);
  expectShowsNone(error, secrets);
}

const MIN_SHOWN = 12;
const known = new WeakMap<readonly string[], ReadonlySet<string>>();

/** Fails if inspecting or serializing `value` shows 12 consecutive characters of a secret. */
export function expectShowsNone(value: unknown, secrets: readonly string[]): void {
  const parts = known.get(secrets) ?? new Set(secrets.flatMap(partsOf));
  known.set(secrets, parts);
  const shown = textOf(value);
  const part = partsOf(shown).find((each) => parts.has(each));
  if (part !== undefined) expect.fail(`It shows "${part}": ${shown}`);
}

function partsOf(text: string): readonly string[] {
  const { length } = text;
  return Array.from({ length: Math.max(length - MIN_SHOWN + 1, 0) }, (_, at) =>
    text.slice(at, at + MIN_SHOWN),
  );
}

function textOf(value: unknown): string {
  const texts = [inspect(value, { depth: 8, showHidden: true, getters: true })];
  for (let error = value; error instanceof Error; error = error.cause) {
    texts.push(error.message, error.stack ?? '', JSON.stringify(error));
  }
  return texts.join('\n');
}
