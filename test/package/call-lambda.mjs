// Calls the function in a file twice, as AWS Lambda does in one instance: `node call-lambda.mjs ./consumer-lambda.mjs`.

/** @typedef {typeof import('./consumer-lambda.mjs')} Lambda */

// oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a file that the command line names
const lambda = /** @type {Lambda & { default?: Lambda }} */ (await import(process.argv[2] ?? ''));
// Node cannot tell the exports of a bundle in CommonJS.
const { handler } = lambda.default ?? lambda;

for (const userId of ['11111', '22222']) {
  process.stdout.write(`${JSON.stringify(await handler({ userId }))}\n`);
}
// The function keeps its connections open for the next call.
process.exit();
