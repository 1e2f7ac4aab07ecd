import { type IncomingMessage } from 'node:http';
import { createParamDecorator, type ExecutionContext } from '@nestjs/common';

type PlatformRequest = IncomingMessage | { readonly raw: IncomingMessage };

/** Injects the request body as a stream. */
export const BodyStream = createParamDecorator(
  (_data: unknown, context: ExecutionContext): IncomingMessage => {
    const request = context.switchToHttp().getRequest<PlatformRequest>();
    // Express passes Node's own request, Fastify a wrapper around it.
    return 'raw' in request ? request.raw : request;
  },
);
