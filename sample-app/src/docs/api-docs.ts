import { type INestApplication } from '@nestjs/common';
import { DocumentBuilder, SwaggerModule } from '@nestjs/swagger';
import { withConnectionRoutes } from './connection-routes.js';
import { DEMO_USER } from './demo-user.scheme.js';

/** Serves `/docs`, an interactive page of all routes, and `/docs-json`. */
export function serveApiDocs(app: INestApplication): void {
  const description = new DocumentBuilder()
    .setTitle('Document portal')
    .setDescription('One app for many enterprises, and each user sees their own Box folder.')
    .setVersion('1.0')
    .addApiKey(
      {
        type: 'apiKey',
        in: 'header',
        name: 'x-demo-user',
        description: 'Simulated sign-in: the name of a demo user, such as alice.',
      },
      DEMO_USER,
    )
    .addTag('identity', 'The Box user and the enterprise that the portal acts for')
    .addTag('folders')
    .addTag('files')
    .addTag('connection', 'The own Box account of a user')
    .addTag('monitoring', 'Health, token events and the tokens in memory')
    .addTag('load', 'A steady load on this portal')
    .addTag('faults', 'Ways to break the emulated Box')
    .build();
  const create = () => withConnectionRoutes(SwaggerModule.createDocument(app, description));
  SwaggerModule.setup('docs', app, create, {
    swaggerOptions: { persistAuthorization: true },
  });
}
