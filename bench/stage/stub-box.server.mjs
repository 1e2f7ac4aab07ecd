// The stub of Box, a program that stub-box.mjs starts.
import { createServer } from 'node:http';
import process from 'node:process';
import { setTimeout as delay } from 'node:timers/promises';

const LIFETIME_S = 3600;
const tokenDelayMs = Number(process.argv[2]);

let aheadMs = 0;
let minted = 0;
let tokenRequests = 0;
let refusedCalls = 0;
/** @type {Map<string, number>} */
const expiries = new Map();

const now = () => Date.now() + aheadMs;

const server = createServer((request, response) => {
  response.setHeader('date', new Date(now()).toUTCString());
  const { pathname, searchParams } = new URL(request.url ?? '/', 'http://stub');
  if (pathname === '/oauth2/token') {
    tokenRequests += 1;
    request.resume().once('end', () => void grant(response));
  } else if (pathname.startsWith('/control/')) {
    sendJson(response, control(pathname, searchParams));
  } else {
    call(request, response);
  }
});

server.keepAliveTimeout = 60_000;
server.listen({ port: 0, host: '127.0.0.1', backlog: 4096 }, () => {
  const address = server.address();
  process.send?.(typeof address === 'object' ? address?.port : undefined);
});
process.once('disconnect', () => process.exit());

/** @param {import('node:http').ServerResponse} response */
async function grant(response) {
  if (tokenDelayMs > 0) await delay(tokenDelayMs);
  minted += 1;
  const token = `stub${String(minted).padStart(28, '0')}`;
  expiries.set(token, now() + LIFETIME_S * 1000);
  sendJson(response, { access_token: token, expires_in: LIFETIME_S, token_type: 'bearer' });
}

/**
 * @param {import('node:http').IncomingMessage} request
 * @param {import('node:http').ServerResponse} response
 */
function call(request, response) {
  const token = request.headers.authorization?.slice('Bearer '.length) ?? '';
  if (token === 'fixed' || (expiries.get(token) ?? 0) > now()) {
    return sendJson(response, { type: 'user', id: '11111', name: 'Alice' });
  }
  refusedCalls += 1;
  response.setHeader('www-authenticate', 'Bearer realm="Service", error="invalid_token"');
  response.writeHead(401).end();
}

/**
 * @param {string} pathname
 * @param {URLSearchParams} parameters
 */
function control(pathname, parameters) {
  if (pathname === '/control/revoke') expiries.clear();
  if (pathname === '/control/clock') aheadMs = Number(parameters.get('ahead'));
  const counts = { tokenRequests, refusedCalls };
  if (pathname === '/control/counts') {
    tokenRequests = 0;
    refusedCalls = 0;
  }
  return counts;
}

/**
 * @param {import('node:http').ServerResponse} response
 * @param {object} body
 */
function sendJson(response, body) {
  const text = JSON.stringify(body);
  response.setHeader('content-type', 'application/json');
  response.setHeader('content-length', text.length);
  response.end(text);
}
