import { inspect } from 'node:util';
import { boxError } from '../box/box-responses.js';
import type { HttpAnswer } from '../http/http-response.js';
import { displayUrl, type FakeBoxCall, type FakeBoxPath, matchesRoute } from './fake-box-calls.js';

/** An object is sent as JSON, a string and bytes unchanged, undefined as a 204, a `Response` as a copy. */
export type FakeBoxReply = object | string | undefined;

/** Creates the reply to a call. */
export type FakeBoxReplier = (call: FakeBoxCall) => FakeBoxReply | Promise<FakeBoxReply>;

/** The replies that a test has set up. The last matching reply is used. */
export class FakeBoxReplies {
  readonly #entries: {
    readonly method: string;
    readonly path: FakeBoxPath;
    readonly respond: (call: FakeBoxCall) => Promise<Response>;
  }[] = [];

  add(
    method: string,
    path: FakeBoxPath,
    reply: FakeBoxReply | FakeBoxReplier,
    init: ResponseInit,
  ): void {
    const respond = async (call: FakeBoxCall) =>
      responseOf(isReplier(reply) ? await reply(call) : reply, init);
    this.#entries.unshift({ method, path, respond });
  }

  async respond(call: FakeBoxCall): Promise<Response> {
    const entry = this.#entries.find(({ method, path }) => matchesRoute(call, method, path));
    return entry === undefined ? fetchResponse(noReply(call)) : entry.respond(call);
  }

  clear(): void {
    this.#entries.length = 0;
  }
}

/** Converts a response of the emulator to a `Response` of `fetch`. */
export function fetchResponse({ body, ...init }: HttpAnswer): Response {
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

/** The hint is in the body, which apps log, so that the author of the test sees it. */
function noReply(call: FakeBoxCall): HttpAnswer {
  const { method } = call;
  const url = displayUrl(call);
  return boxError(
    404,
    'not_found',
    `FakeBox has no reply for ${method} ${url}. Fix: add box.reply(${inspect(method)}, ${inspect(url)}, …) to the test.`,
  );
}
