import { type IncomingMessage } from 'node:http';
import { createParamDecorator, type ExecutionContext } from '@nestjs/common';

type PlatformRequest = IncomingMessage | { readonly raw: IncomingMessage };

/** Injects the body of the request as it comes in. */
export const BodyStream = createParamDecorator(
  (_data: unknown, context: ExecutionContext): IncomingMessage => {
    const request = context.switchToHttp().getRequest<PlatformRequest>();
    // Express hands out Node's own request, Fastify one around it.
    return 'raw' in request ? request.raw : request;
  },
);
