import { applyDecorators } from '@nestjs/common';
import { ApiBadRequestResponse, ApiNotFoundResponse, ApiParam } from '@nestjs/swagger';

/** Documents the parameter `id` of a route, and the responses to a wrong id. */
export function ApiItemId(item: string, example?: string): MethodDecorator {
  return applyDecorators(
    ApiParam({
      name: 'id',
      description: `The id of ${item}`,
      schema: { type: 'string', pattern: '^\\d{1,20}$', ...(example !== undefined && { example }) },
    }),
    ApiBadRequestResponse({ description: 'Not a Box id' }),
    ApiNotFoundResponse({ description: 'The item does not exist, or the user may not see it' }),
  );
}
