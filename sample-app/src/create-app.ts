import { type Server } from 'node:http';
import { type INestApplication, type NestApplicationOptions } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { AppModule } from './app.module.js';
import { serveApiDocs } from './docs/api-docs.js';
import { type PortalOptions } from './portal.options.js';

export type Platform = 'express' | 'fastify';

/** The portal on either of Nest's HTTP adapters, ready to listen. */
export async function createApp(
  platform: Platform,
  portal: PortalOptions,
  options: NestApplicationOptions = {},
): Promise<INestApplication<Server>> {
  const app = await NestFactory.create<INestApplication<Server>>(
    AppModule.register(portal),
    platform === 'fastify' ? fastifyAdapter() : new ExpressAdapter(),
    // Bodies are uploads: they are streamed, never parsed. A browser's idle connections must not hold up a shutdown.
    { bodyParser: false, forceCloseConnections: true, abortOnError: false, ...options },
  );
  serveApiDocs(app);
  return app;
}

/** Fastify parses bodies by itself, and refuses those of a type that it does not know. */
function fastifyAdapter(): FastifyAdapter {
  const adapter = new FastifyAdapter({ forceCloseConnections: true });
  const fastify = adapter.getInstance();
  fastify.removeAllContentTypeParsers();
  fastify.addContentTypeParser('*', (_request, _body, done) => done(null));
  return adapter;
}
