import { onTestFinished } from 'vitest';

export interface Told {
  readonly event: string | undefined;
  readonly data: unknown;
}

/** A minimal EventSource. It is closed after the test. */
export async function watch(url: string, headers: Readonly<Record<string, string>> = {}) {
  const leaving = new AbortController();
  onTestFinished(() => leaving.abort());
  const response = await fetch(url, { headers, signal: leaving.signal });
  if (response.body === null) throw new Error('The response has no body.');
  const told = eventsIn(response.body.pipeThrough(new TextDecoderStream()));
  return {
    headers: response.headers,
    /** Undefined if the stream ended without an error. */
    next: async () => (await told.next()).value ?? undefined,
    leave: () => leaving.abort(),
  };
}

async function* eventsIn(text: AsyncIterable<string>): AsyncGenerator<Told, undefined> {
  let unread = '';
  for await (const chunk of text) {
    const blocks = (unread + chunk).split('\n\n');
    unread = blocks.pop() ?? '';
    for (const block of blocks) {
      const field = (name: string) => new RegExp(`^${name}: (.*)$`, 'm').exec(block)?.[1];
      const data = field('data');
      if (data !== undefined) yield { event: field('event'), data: JSON.parse(data) as unknown };
    }
  }
  return undefined;
}
