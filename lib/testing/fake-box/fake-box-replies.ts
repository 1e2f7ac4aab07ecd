import { boxError } from '../box/box-responses.js';
import type { HttpAnswer } from '../http/http-response.js';
import { addressOf, type FakeBoxCall, type FakeBoxPath, goesTo } from './fake-box-calls.js';

/** An object goes out as JSON, a string and bytes as they are, nothing as a 204, a `Response` as a copy of it. */
export type FakeBoxReply = object | string | undefined;

/** Makes the reply of the call. */
export type FakeBoxReplier = (call: FakeBoxCall) => FakeBoxReply | Promise<FakeBoxReply>;

/** What a test wants API calls to be answered with: the last reply that fits counts. */
export class FakeBoxReplies {
  readonly #entries: {
    readonly method: string;
    readonly path: FakeBoxPath;
    readonly answer: (call: FakeBoxCall) => Promise<Response>;
  }[] = [];

  add(
    method: string,
    path: FakeBoxPath,
    reply: FakeBoxReply | FakeBoxReplier,
    init: ResponseInit,
  ): void {
    const answer = async (call: FakeBoxCall) =>
      responseOf(isReplier(reply) ? await reply(call) : reply, init);
    this.#entries.unshift({ method, path, answer });
  }

  async answer(call: FakeBoxCall): Promise<Response> {
    const entry = this.#entries.find(({ method, path }) => goesTo(call, method, path));
    return entry === undefined ? answered(noReply(call)) : entry.answer(call);
  }

  clear(): void {
    this.#entries.length = 0;
  }
}

/** An answer of the emulator's as one of `fetch`. */
export function answered({ body, ...init }: HttpAnswer): Response {
  return responseOf(body, init);
}

function responseOf(reply: FakeBoxReply, init: ResponseInit): Response {
  if (reply instanceof Response) return reply.clone();
  if (reply === undefined) return new Response(null, { status: 204, ...init });
  return typeof reply === 'string' || reply instanceof Uint8Array
    ? new Response(reply, init)
    : Response.json(reply, init);
}

function isReplier(reply: FakeBoxReply | FakeBoxReplier): reply is FakeBoxReplier {
  return typeof reply === 'function';
}

/** In the body, as that is what an app logs, and what the author of its test gets to see. */
function noReply(call: FakeBoxCall): HttpAnswer {
  const { method } = call;
  const address = addressOf(call);
  return boxError(
    404,
    'not_found',
    `FakeBox has no reply for ${method} ${address}: add box.reply('${method}', '${address}', …) to the test.`,
  );
}
