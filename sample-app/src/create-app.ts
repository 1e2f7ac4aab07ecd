import { type IncomingMessage, type Server } from 'node:http';
import { type INestApplication, type NestApplicationOptions } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ExpressAdapter, type NestExpressApplication } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { AppModule } from './app.module.js';
import { serveApiDocs } from './docs/api-docs.js';
import { type PortalOptions } from './portal.options.js';
import { bytesOf, isWebhook } from './webhooks/webhook-body.js';

export type Platform = 'express' | 'fastify';

/** Creates the portal on Express or Fastify, ready to listen. */
export async function createApp(
  platform: Platform,
  portal: PortalOptions,
  options: NestApplicationOptions = {},
): Promise<INestApplication<Server>> {
  const app = await NestFactory.create<NestExpressApplication>(
    AppModule.register(portal),
    platform === 'fastify' ? fastifyAdapter() : new ExpressAdapter(),
    {
      // Bodies are uploads, which are streamed and never parsed, or webhooks, whose bytes are signed.
      bodyParser: false,
      rawBody: true,
      // Idle browser connections must not delay a shutdown.
      forceCloseConnections: true,
      abortOnError: false,
      ...options,
    },
  );
  if (platform === 'express') app.useBodyParser('json', { type: isWebhook, limit: '1mb' });
  serveApiDocs(app);
  return app;
}

/** Keeps the bytes of webhooks, and passes other bodies through as streams: Fastify would parse them, or reject unknown types. */
function fastifyAdapter(): FastifyAdapter {
  const adapter = new FastifyAdapter({ forceCloseConnections: true });
  const fastify = adapter.getInstance();
  fastify.removeAllContentTypeParsers();
  fastify.addContentTypeParser(
    '*',
    async (request: { readonly url: string }, body: IncomingMessage): Promise<void> => {
      if (isWebhook(request)) Object.assign(request, { rawBody: await bytesOf(body) });
    },
  );
  return adapter;
}
