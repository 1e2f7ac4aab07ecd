import { applyDecorators } from '@nestjs/common';
import { ApiBadRequestResponse, ApiNotFoundResponse, ApiParam } from '@nestjs/swagger';

/** The parameter `id` of a route, and what it answers to a wrong one. */
export function ApiItemId(of: string, example?: string): MethodDecorator {
  return applyDecorators(
    ApiParam({
      name: 'id',
      description: `The id of ${of}`,
      schema: { type: 'string', pattern: '^\\d{1,20}$', ...(example !== undefined && { example }) },
    }),
    ApiBadRequestResponse({ description: 'That is no id of Box' }),
    ApiNotFoundResponse({ description: 'There is no such item, or none that the user may see' }),
  );
}
