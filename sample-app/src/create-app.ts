import { type Server } from 'node:http';
import { type INestApplication, type NestApplicationOptions } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { AppModule } from './app.module.js';
import { serveApiDocs } from './docs/api-docs.js';
import { type PortalOptions } from './portal.options.js';

export type Platform = 'express' | 'fastify';

/** Creates the portal on Express or Fastify, ready to listen. */
export async function createApp(
  platform: Platform,
  portal: PortalOptions,
  options: NestApplicationOptions = {},
): Promise<INestApplication<Server>> {
  const app = await NestFactory.create<INestApplication<Server>>(
    AppModule.register(portal),
    platform === 'fastify' ? fastifyAdapter() : new ExpressAdapter(),
    // Bodies are uploads, which are streamed and never parsed. Idle browser connections must not delay a shutdown.
    { bodyParser: false, forceCloseConnections: true, abortOnError: false, ...options },
  );
  serveApiDocs(app);
  return app;
}

/** Passes every body through as a stream: Fastify would parse it, or reject an unknown type. */
function fastifyAdapter(): FastifyAdapter {
  const adapter = new FastifyAdapter({ forceCloseConnections: true });
  const fastify = adapter.getInstance();
  fastify.removeAllContentTypeParsers();
  fastify.addContentTypeParser('*', (_request, _body, done) => done(null));
  return adapter;
}
