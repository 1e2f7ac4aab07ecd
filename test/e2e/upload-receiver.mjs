// A process that receives and discards uploads. Its memory does not count as that of the sender.
import { once } from 'node:events';
import { createServer } from 'node:http';

const SAMPLE_BYTES = 64 * 1024 * 1024;

const server = createServer((incoming, response) => {
  void receive(incoming).then(() => {
    response.setHeader('content-type', 'application/json').end('{}');
  });
});

/** @param {import('node:http').IncomingMessage} incoming */
async function receive(incoming) {
  const authorization = incoming.headers.authorization ?? '';
  await report({ bytes: 0, authorization });
  let bytes = 0;
  let nextSample = SAMPLE_BYTES;
  for await (const chunk of /** @type {AsyncIterable<Buffer>} */ (incoming)) {
    bytes += chunk.byteLength;
    if (bytes < nextSample) continue;
    nextSample += SAMPLE_BYTES;
    await report({ bytes, authorization });
  }
  await report({ bytes, authorization });
}

/**
 * Reads on once the sender has measured its memory.
 *
 * @param {import('./large-uploads.spec.js').Arrived} arrived
 */
async function report(arrived) {
  process.send?.(arrived);
  await once(process, 'message');
}

process.on('disconnect', () => process.exit());
server.listen(0, '127.0.0.1', () => process.send?.(server.address()));
