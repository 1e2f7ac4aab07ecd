import { Readable } from 'node:stream';
import { callbackify, promisify } from 'node:util';
import type { InternalAxiosRequestConfig } from 'axios';
import { type ReplayableBody, replayableBody } from '../core/http/replayable-body.js';
import type { MaybePromise } from '../core/runtime/maybe-promise.js';

/** The methods of the `form-data` package that axios calls. */
interface FormStream {
  append(...parts: unknown[]): void;
  getHeaders(): unknown;
  getLength(callback: (error: unknown, length?: number) => void): void;
}

/** The body of a call, which may be a function that returns a body. Up to `maxBytes` of a stream are kept for a replay. */
export function bodyOf(
  { data }: InternalAxiosRequestConfig<unknown>,
  maxBytes: number,
): ReplayableBody<unknown> {
  const body = replayableBody(data, maxBytes);
  return isFormStream(data) ? new FormBody(data, body) : body;
}

/** A form of the `form-data` package. axios takes the headers from it, so each of its streams has to look like a form. */
class FormBody implements ReplayableBody<unknown> {
  readonly isStream = true;
  readonly isLong = true;
  #length: Promise<number | undefined> | undefined;

  constructor(
    private readonly form: FormStream,
    private readonly body: ReplayableBody<unknown>,
  ) {}

  get canReplay(): boolean {
    return this.body.canReplay;
  }

  async open(): Promise<unknown> {
    const stream = await this.body.open();
    return stream instanceof Readable ? Object.assign(stream, this.#methods()) : stream;
  }

  prepareReplay(): MaybePromise<boolean> {
    return this.body.prepareReplay();
  }

  finish(): void {
    this.body.finish();
  }

  cancel(reason?: unknown): void {
    this.body.cancel(reason);
  }

  #methods(): FormStream & { toString(): string } {
    const { form } = this;
    return {
      append: (...parts) => form.append(...parts),
      getHeaders: () => form.getHeaders(),
      // A form that has been sent cannot measure itself.
      getLength: callbackify(() => (this.#length ??= promisify(form.getLength.bind(form))())),
      toString: () => '[object FormData]',
    };
  }
}

function isFormStream(data: unknown): data is FormStream {
  return (
    typeof data === 'object' &&
    data !== null &&
    'pipe' in data &&
    ['append', 'getHeaders', 'getLength'].every(
      (name) => typeof Reflect.get(data, name) === 'function',
    )
  );
}
