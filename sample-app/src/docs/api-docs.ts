import { type INestApplication } from '@nestjs/common';
import { DocumentBuilder, SwaggerModule } from '@nestjs/swagger';

/** The name of the security scheme of routes that require sign-in. */
export const DEMO_USER = 'demo-user';

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
    .addTag('monitoring', 'Health and token events')
    .build();
  SwaggerModule.setup('docs', app, () => SwaggerModule.createDocument(app, description), {
    swaggerOptions: { persistAuthorization: true },
  });
}
