import * as v from 'valibot';
import { functionOption, invalidOption } from '../../core/app/option-checks.js';
import type { MaybePromise } from '../../core/runtime/maybe-promise.js';
import type { Runtime } from '../../core/runtime/runtime.js';
import { withTimeLimit } from '../../core/runtime/time-budget.js';
import { keysUnavailable, noKeys } from './webhook-errors.js';

/** One key, or several during a rotation. An empty string is no key. */
export type BoxWebhookKeyList = string | readonly string[] | null | undefined;

/** The keys, or a function that returns them and is called for each webhook. */
export type BoxWebhookKeys = BoxWebhookKeyList | (() => MaybePromise<BoxWebhookKeyList>);

const TIMEOUT_MS = 10_000;
const EXPECTED = 'a string, a list of strings, or a function that returns them';

const keyList = v.nullish(v.union([v.string(), v.array(v.string())], EXPECTED));

/** The schema of `primaryKey` and `secondaryKey`. */
export const keysOption = v.union(
  [keyList, functionOption<() => MaybePromise<BoxWebhookKeyList>>()],
  EXPECTED,
);

/** The keys for both signatures. Shows none of them when it is inspected. */
export class WebhookKeys {
  readonly #given: Readonly<Record<'primaryKey' | 'secondaryKey', BoxWebhookKeys>>;
  readonly #runtime: Runtime;

  /** @throws BoxAuthError `option_invalid` if there are no keys */
  constructor(
    given: { readonly primaryKey?: BoxWebhookKeys; readonly secondaryKey?: BoxWebhookKeys },
    runtime: Runtime,
  ) {
    const { primaryKey, secondaryKey } = given;
    this.#given = { primaryKey, secondaryKey };
    this.#runtime = runtime;
    const lists = [primaryKey, secondaryKey].filter((keys) => typeof keys !== 'function');
    if (lists.length === 2 && lists.flatMap(keysIn).length === 0) throw noKeys();
  }

  /**
   * The current keys.
   *
   * @throws BoxAuthError `option_invalid` without keys, and `credentials_unavailable` if a function fails
   */
  async current(): Promise<Record<'primary' | 'secondary', readonly string[]>> {
    const [primary, secondary] = await Promise.all([
      this.#read('primaryKey'),
      this.#read('secondaryKey'),
    ]);
    if (primary.length + secondary.length === 0) throw noKeys();
    return { primary, secondary };
  }

  async #read(name: 'primaryKey' | 'secondaryKey'): Promise<readonly string[]> {
    const given = this.#given[name];
    if (typeof given !== 'function') return keysIn(given);
    const returned: unknown = await withTimeLimit(
      {
        runtime: this.#runtime,
        limitMs: TIMEOUT_MS,
        toError: () => keysUnavailable(name, `returned nothing within ${TIMEOUT_MS} ms`),
      },
      async () => {
        try {
          return await given();
        } catch (error) {
          throw keysUnavailable(name, 'failed', error);
        }
      },
    );
    if (!v.is(keyList, returned)) {
      throw invalidOption(`${name}()`, 'a string or a list of strings', returned);
    }
    return keysIn(returned);
  }
}

function keysIn(list: BoxWebhookKeyList): readonly string[] {
  const keys = typeof list === 'string' ? [list] : (list ?? []);
  return keys.filter((key) => key.trim() !== '');
}
