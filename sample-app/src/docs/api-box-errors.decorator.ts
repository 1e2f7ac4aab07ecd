import { applyDecorators } from '@nestjs/common';
import {
  ApiBadGatewayResponse,
  ApiForbiddenResponse,
  ApiServiceUnavailableResponse,
} from '@nestjs/swagger';

/** Documents the responses of a route when a call to Box fails. */
export function ApiBoxErrors(): ClassDecorator & MethodDecorator {
  return applyDecorators(
    ApiForbiddenResponse({
      description:
        'Box does not allow the signed-in user to do that, or their company has not authorized the app',
    }),
    ApiBadGatewayResponse({
      description: 'Box cannot be reached or denies the app access; see the log',
    }),
    ApiServiceUnavailableResponse({
      description: 'No token is available at the moment; try again',
      headers: { 'Retry-After': { description: 'Seconds', schema: { type: 'integer' } } },
    }),
  );
}
