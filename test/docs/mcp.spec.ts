import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import type { Server } from 'node:http';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { requireBearerAuth } from '@modelcontextprotocol/sdk/server/auth/middleware/bearerAuth.js';
import { InvalidTokenError } from '@modelcontextprotocol/sdk/server/auth/errors.js';
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import { ToolListChangedNotificationSchema } from '@modelcontextprotocol/sdk/types.js';
import express, { type Request, type Response } from 'express';
import type { BoxConnections } from 'nestjs-box-auth/connections';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ann, BOB, ConnectedBox } from '../support/box-connections.js';
import { exampleIn, run } from './example.js';

const ben = { owner: 'ben', binding: 'the session of ben' };

let box: ConnectedBox;
let server: BoxMcpServer;
let clients: Client[];
beforeEach(async () => {
  box = await ConnectedBox.start();
  await box.connect(ann);
  await box.connect(ben, BOB);
  server = await BoxMcpServer.start(box.emulator.url);
  clients = [];
});
afterEach(async () => {
  await Promise.all(clients.map((client) => client.close()));
  await server.stop();
  await box.stop();
});

/** An MCP server like the one of Box: it accepts the access tokens of Box, and acts for their users. */
class BoxMcpServer {
  readonly #sessions = new Map<string, StreamableHTTPServerTransport>();
  readonly #servers: McpServer[] = [];
  #http!: Server;
  /** Requests with a token that Box refused. */
  refusals = 0;

  static async start(boxUrl: string): Promise<BoxMcpServer> {
    const started = new BoxMcpServer(boxUrl);
    const app = express();
    const verifyAccessToken = (token: string) => started.#verified(token);
    app.use(requireBearerAuth({ verifier: { verifyAccessToken } }));
    app.all('/mcp', express.json(), (request, response) => started.#handle(request, response));
    started.#http = app.listen(0, '127.0.0.1');
    await once(started.#http, 'listening');
    return started;
  }

  private constructor(private readonly boxUrl: string) {}

  get url(): string {
    const { port } = this.#http.address() as AddressInfo;
    return `http://127.0.0.1:${port}/mcp`;
  }

  announceTools(): void {
    for (const each of this.#servers) each.sendToolListChanged();
  }

  async stop(): Promise<void> {
    await Promise.all(this.#servers.map((each) => each.close()));
    this.#http.closeAllConnections();
    this.#http.close();
    await once(this.#http, 'close');
  }

  async #handle(request: Request, response: Response): Promise<void> {
    const id = String(request.headers['mcp-session-id']);
    const transport = this.#sessions.get(id) ?? (await this.#begin());
    await transport.handleRequest(request, response, request.body);
  }

  async #begin(): Promise<StreamableHTTPServerTransport> {
    const mcp = new McpServer({ name: 'box', version: '1.0.0' });
    mcp.registerTool('who_am_i', {}, async ({ authInfo }) => ({
      content: [{ type: 'text', text: String(authInfo?.extra?.['login']) }],
    }));
    const transport = new StreamableHTTPServerTransport({
      sessionIdGenerator: randomUUID,
      onsessioninitialized: (id) => void this.#sessions.set(id, transport),
    });
    await mcp.connect(transport);
    this.#servers.push(mcp);
    return transport;
  }

  async #verified(token: string) {
    const headers = { authorization: `Bearer ${token}` };
    const response = await fetch(`${this.boxUrl}/2.0/users/me`, { headers });
    if (response.status === 401) {
      this.refusals += 1;
      throw new InvalidTokenError('Box refused the token');
    }
    const { login } = (await response.json()) as { readonly login: string };
    const expiresAt = Date.now() / 1_000 + 60;
    return { token, clientId: 'app', scopes: [], expiresAt, extra: { login } };
  }
}

/** The example of the documents. */
async function connectMcp(owner: string, origins: readonly string[]): Promise<Client> {
  const { connectMcp: connect } = (await run(exampleIn('docs/connections.md', 'connectMcp'))) as {
    connectMcp: (connections: BoxConnections, owner: string, server: string) => Promise<Client>;
  };
  const connections = box.open({ origins, fetch: globalThis.fetch });
  const client = await connect(connections, owner, server.url);
  clients.push(client);
  return client;
}

const withOrigin = (owner: string) => connectMcp(owner, [new URL(server.url).origin]);

/** Counts the notifications of a client, until it has received one. It opens their stream after it has connected. */
async function notifications(client: Client): Promise<number> {
  let count = 0;
  client.setNotificationHandler(ToolListChangedNotificationSchema, () => {
    count += 1;
  });
  const announced = () => {
    server.announceTools();
    return count;
  };
  await expect.poll(announced, { timeout: 20_000 }).toBeGreaterThan(0);
  return count;
}

async function whoIs(client: Client): Promise<unknown> {
  const { content } = await client.callTool({ name: 'who_am_i' });
  return content;
}

describe('An MCP client with the fetch of a connection', () => {
  it('calls the tools of a server with the account of its owner', async () => {
    const [ofAnn, ofBen] = await Promise.all([withOrigin('ann'), withOrigin('ben')]);
    expect((await ofAnn.listTools()).tools.map(({ name }) => name)).toEqual(['who_am_i']);
    expect(await Promise.all([whoIs(ofAnn), whoIs(ofBen), whoIs(ofAnn)])).toEqual([
      [{ type: 'text', text: 'alice@example.com' }],
      [{ type: 'text', text: 'bob@example.com' }],
      [{ type: 'text', text: 'alice@example.com' }],
    ]);
    expect(server.refusals).toBe(0);
  });

  it('goes on in its session with a new token when the old one has expired', async () => {
    const client = await withOrigin('ann');
    await notifications(client);
    box.emulator.clockSkewMs = 2 * 3_600_000;
    expect(await whoIs(client)).toEqual([{ type: 'text', text: 'alice@example.com' }]);
    expect(server.refusals).toBe(1);
  });

  it('receives the notifications of the server', async () => {
    expect(await notifications(await withOrigin('ann'))).toBeGreaterThan(0);
  });

  it('fails for an owner without a connection', async () => {
    await expect(withOrigin('eve')).rejects.toMatchObject({ code: 'connection_missing' });
  });

  it('sends no token to a server that is not in `origins`', async () => {
    await expect(connectMcp('ann', [])).rejects.toMatchObject({ code: 401 });
    expect(server.refusals).toBe(0);
  });
});
