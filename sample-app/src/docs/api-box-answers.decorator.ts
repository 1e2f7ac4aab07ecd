import { applyDecorators } from '@nestjs/common';
import {
  ApiBadGatewayResponse,
  ApiForbiddenResponse,
  ApiServiceUnavailableResponse,
} from '@nestjs/swagger';

/** What a route answers when Box does not do what it is asked. */
export function ApiBoxAnswers(): ClassDecorator & MethodDecorator {
  return applyDecorators(
    ApiForbiddenResponse({ description: 'Box does not allow the signed-in user to do that' }),
    ApiBadGatewayResponse({
      description: 'Box cannot be reached, or does not let the app in: the log says why',
    }),
    ApiServiceUnavailableResponse({
      description: 'There is no token at the moment: try again',
      headers: { 'Retry-After': { description: 'Seconds', schema: { type: 'integer' } } },
    }),
  );
}
