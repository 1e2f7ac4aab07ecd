import { type OpenAPIObject } from '@nestjs/swagger';
import { DEMO_USER } from './demo-user.scheme.js';

type PathItem = OpenAPIObject['paths'][string];
type Operation = NonNullable<PathItem['get']>;

const common = { tags: ['connection'], security: [{ [DEMO_USER]: [] }] };
const signedOut = { 401: { description: 'Not signed in' } };
const returnTo = {
  name: 'returnTo',
  in: 'query',
  description: 'The path to return to',
  schema: { type: 'string', default: '/' },
} as const;
const text = { schema: { type: 'string' } } as const;

const ROUTES: Readonly<Record<string, PathItem>> = {
  '/box/connect': {
    get: {
      ...common,
      summary: 'Sends the browser to Box, where the user signs in and consents',
      description: 'Open it in a new tab: it leads to another site.',
      parameters: [returnTo],
      responses: {
        302: { description: 'To Box' },
        400: { description: 'Invalid `returnTo`' },
        ...signedOut,
      },
    },
  },
  '/box/callback': {
    get: {
      ...common,
      summary: 'Box sends the browser back here',
      parameters: [
        { name: 'state', in: 'query', required: true, ...text },
        { name: 'code', in: 'query', description: 'After a consent', ...text },
        { name: 'error', in: 'query', description: 'After a refusal', ...text },
      ],
      responses: {
        302: { description: 'The account is connected' },
        400: { description: 'The sign-in is not one of this browser and user, or has expired' },
        ...signedOut,
        403: { description: 'The user did not consent' },
      },
    },
  },
  '/box/disconnect': {
    post: {
      ...common,
      summary: 'Removes the connection, and revokes its tokens',
      description: 'For pages of this site only.',
      parameters: [returnTo],
      responses: {
        200: { description: 'Whether Box has revoked the tokens' },
        303: { description: 'For browsers that request a page' },
        ...signedOut,
        403: { description: 'Sent by a page of another site' },
      },
    },
  },
};

/** Describes the routes of `BoxConnectionsModule`, which Swagger finds without their parameters and responses. */
export function withConnectionRoutes(document: OpenAPIObject): OpenAPIObject {
  const { paths } = document;
  for (const [path, documented] of Object.entries(ROUTES)) {
    const found = paths[path];
    for (const method of ['get', 'post'] as const) {
      const operation: Operation | undefined = found?.[method];
      if (operation !== undefined) Object.assign(operation, documented[method]);
    }
  }
  return document;
}
