import { type INestApplication } from '@nestjs/common';
import { DocumentBuilder, SwaggerModule } from '@nestjs/swagger';

/** How a route says that one must be signed in. */
export const DEMO_USER = 'demo-user';

/** Serves `/docs`, where every route can be tried out, and `/docs-json`. */
export function serveApiDocs(app: INestApplication): void {
  const description = new DocumentBuilder()
    .setTitle('Document portal')
    .setDescription('One app, one token, and everybody sees their own folder of Box.')
    .setVersion('1.0')
    .addApiKey(
      {
        type: 'apiKey',
        in: 'header',
        name: 'x-demo-user',
        description: 'Simulated signing in: the name of a demo user, such as alice.',
      },
      DEMO_USER,
    )
    .addTag('identity', 'As whom the portal calls Box')
    .addTag('folders')
    .addTag('files')
    .addTag('watching', 'Whether all is well')
    .build();
  SwaggerModule.setup('docs', app, () => SwaggerModule.createDocument(app, description), {
    swaggerOptions: { persistAuthorization: true },
  });
}
