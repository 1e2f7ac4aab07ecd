import type { BoxAuthError } from '../../../../lib/core/errors/box-auth.error.js';
import type { ErrorResponse } from '../../../../lib/core/token-endpoint/issuer.js';
import {
  toBoxAuthError,
  transientErrorResponses,
} from '../../../../lib/core/token-endpoint/known-error-responses.js';
import { acmeDocs as docs } from './acme-docs.js';

const KNOWN_ERRORS = transientErrorResponses('Acme', {
  page: docs,
  rateLimits: docs,
  errors: docs,
});

export function acmeTokenError(response: ErrorResponse): BoxAuthError {
  return toBoxAuthError(response, KNOWN_ERRORS, {
    name: 'Acme',
    fallback: { scope: 'client', code: 'token_request_refused', hint: 'Ask Acme.', docs },
  });
}
