// Expectations of an app that has installed the package: runs files of test/package in its folder.
import assert from 'node:assert/strict';
import { printedLines } from './printed-lines.mjs';

/** @typedef {(folder: string, node?: string) => Promise<string | void>} Expectation of an app, on this or another Node */
/** @typedef {'import' | 'require'} Way */

/**
 * @param {'consumer.cjs' | 'consumer.mjs'} script
 * @returns {Expectation}
 */
export function expectBoxCalled(script) {
  const oncePerApp = ['Emulated App', 'Alice'].flatMap((name) => [
    `BoxFetch: ${name}`,
    `HttpService: ${name}`,
  ]);
  return expectPrinted(
    [script],
    [
      'forRoot({ credentials })',
      ...oncePerApp,
      'forRoot()',
      ...oncePerApp,
      'mints: 2',
      'validate',
      'none',
      'Invalid environment variable BOX_API_URL: expected an absolute URL',
    ],
  );
}

/** @param {Way} way */
export function expectExpressCallsBox(way) {
  return expectPrinted(
    ['consumer-express.cjs', way],
    [
      '["Alice","Alice","Alice"]',
      'acting_user_missing',
      '401',
      'mints: 1',
      'FILE.UPLOADED',
      'delivered',
    ],
  );
}

/** @param {Way} way */
export function expectConnectionsStored(way) {
  return expectPrinted(['consumer-sql.cjs', way], ['added: true', 'added again: false', 'ann']);
}

/** @param {Way} way */
export function expectExpressCallsBoxBySdk(way) {
  return expectPrinted(
    ['consumer-express-sdk.cjs', way],
    ['boxClient: Emulated App', 'boxClient: Alice', 'mints: 1'],
  );
}

/** @param {Way} way */
export function expectSdkCallsBox(way) {
  return expectPrinted(
    ['consumer-sdk.cjs', way],
    ['BoxClient: Emulated App', 'BoxClient: Alice', 'mints: 1'],
  );
}

/** @type {Expectation} */
export const expectScriptCallsBox = expectPrinted(
  ['consumer-script.mjs'],
  ['Emulated App', 'Alice', 'mints: 1'],
);

/**
 * @param {Way} way
 * @param {'express' | 'fastify'} platform
 */
export function expectWebhooksReceived(way, platform) {
  return expectPrinted(
    ['consumer-webhooks.cjs', way, platform],
    ['FILE.UPLOADED', '201, 201', '403'],
  );
}

/**
 * @param {Way} way
 * @param {'express' | 'fastify'} platform
 */
export function expectAccountsConnected(way, platform) {
  return expectPrinted(
    ['consumer-connections.cjs', way, platform],
    ['302 /files', 'Alice', 'connection_missing at /box/connect'],
  );
}

/** @param {Way} way */
export function expectWorkfrontCalled(way) {
  return expectPrinted(
    ['consumer-workfront.cjs', way],
    ['WorkfrontFetch: 200, for a user', 'mints: 1'],
  );
}

/**
 * @param {Way} way
 * @returns {Expectation}
 */
export function expectUsableWithoutOptionalPeers(way) {
  return async (folder, node) => {
    const lines = await printedLines(['without-optional-peers.cjs', way], folder, node);
    assert.equal(lines[0], 'forRoot({ credentials }): a token for an enterprise');
    assert.match(lines[1] ?? '', /^forRoot\(\): BoxAuthError: .* @nestjs\/config cannot be loaded/);
  };
}

/**
 * @param {string[]} args
 * @param {string[]} expected
 * @returns {Expectation}
 */
function expectPrinted(args, expected) {
  return async (folder, node) => {
    assert.deepEqual(await printedLines(args, folder, node), expected);
  };
}
