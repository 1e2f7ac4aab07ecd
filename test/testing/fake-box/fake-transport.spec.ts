import { PassThrough, Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import FormDataOfNode from 'form-data';
import { beforeEach, describe, expect, it } from 'vitest';
import { acceptLegacyStreams } from '../../../lib/testing/fake-box/fake-transport.js';

describe('acceptLegacyStreams', () => {
  let bodies: unknown[];
  const send = acceptLegacyStreams((_, init) => {
    bodies.push(init?.body);
    return Promise.resolve(new Response());
  });
  const asBody = (body: unknown) => ({ method: 'POST', body }) as RequestInit;
  beforeEach(() => {
    bodies = [];
  });

  it('turns a stream of the form-data package into a stream of Node', async () => {
    const form = new FormDataOfNode();
    form.append('name', 'plan.txt');
    await send('https://api.box.com/', asBody(form));
    const [body] = bodies;
    expect(body).toBeInstanceOf(Readable);
    expect(await text(body as Readable)).toContain('plan.txt');
  });

  it.each([
    ['text', 'hello'],
    ['a stream of Node', Readable.from(['hello'])],
    ['a duplex stream of Node', new PassThrough()],
    ['a stream of the web', new Blob(['hello']).stream()],
    ['no body', undefined],
  ])('leaves %s unchanged', async (_, body) => {
    await send('https://api.box.com/', asBody(body));
    expect(bodies).toHaveLength(1);
    expect(bodies[0]).toBe(body);
  });

  it('accepts a call without an init', async () => {
    await send('https://api.box.com/');
    expect(bodies).toEqual([undefined]);
  });
});
