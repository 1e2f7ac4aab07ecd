import { type Server } from 'node:http';
import { type INestApplication, type NestApplicationOptions } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { AppModule } from './app.module.js';
import { type PortalOptions } from './portal.options.js';

export type Platform = 'express' | 'fastify';

/** The portal on either of Nest's HTTP adapters, ready to listen. */
export function createApp(
  platform: Platform,
  portal: PortalOptions,
  options: NestApplicationOptions = {},
): Promise<INestApplication<Server>> {
  return NestFactory.create(
    AppModule.register(portal),
    platform === 'fastify' ? fastifyAdapter() : new ExpressAdapter(),
    // Bodies are uploads: they are streamed, never parsed. A browser's idle connections must not hold up a shutdown.
    { bodyParser: false, forceCloseConnections: true, abortOnError: false, ...options },
  );
}

/** Fastify parses bodies by itself, and refuses those of a type that it does not know. */
function fastifyAdapter(): FastifyAdapter {
  const adapter = new FastifyAdapter({ forceCloseConnections: true });
  const fastify = adapter.getInstance();
  fastify.removeAllContentTypeParsers();
  fastify.addContentTypeParser('*', (_request, _body, done) => done(null));
  return adapter;
}
