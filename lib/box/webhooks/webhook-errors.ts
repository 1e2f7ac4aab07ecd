import { BoxAuthError } from '../../core/errors/box-auth.error.js';
import { boxDocs } from '../box-docs.js';

const FORBIDDEN = 403;
const CONTENT_TOO_LARGE = 413;

export function webhookInvalid(message: string, hint: string): BoxAuthError {
  return new BoxAuthError({
    code: 'webhook_invalid',
    message,
    hint,
    docs: boxDocs.webhookSignatures,
    status: FORBIDDEN,
  });
}

export function rawBodyMissing(message: string, hint: string): BoxAuthError {
  return new BoxAuthError({
    code: 'webhook_raw_body_missing',
    message,
    hint,
    docs: boxDocs.webhookSignatures,
  });
}

/** The error for a body that no parser reads. `limit` describes the limit. */
export function bodyTooLarge(limit: string, hint: string): BoxAuthError {
  return new BoxAuthError({
    code: 'webhook_raw_body_missing',
    message: `The body of a webhook is larger than ${limit}, so it was not read.`,
    hint,
    docs: boxDocs.webhooks,
    status: CONTENT_TOO_LARGE,
  });
}

/** The error of a function in the options that returned no keys. `problem` completes the sentence. */
export function keysUnavailable(name: string, problem: string, cause?: unknown): BoxAuthError {
  return new BoxAuthError({
    code: 'credentials_unavailable',
    message: `The function ${name} in the options of the webhooks ${problem}.`,
    hint: 'Check the vault or file that the function reads. The next webhook calls the function again.',
    docs: boxDocs.webhookSignatures,
    retryable: true,
    cause,
  });
}

export function noKeys(): BoxAuthError {
  return new BoxAuthError({
    code: 'option_invalid',
    message: 'No key to verify webhooks: primaryKey and secondaryKey are both empty.',
    hint: 'Generate signature keys in the developer console, on the Webhooks tab of the app. Pass one or both as primaryKey and secondaryKey, or set BOX_WEBHOOK_PRIMARY_KEY and BOX_WEBHOOK_SECONDARY_KEY.',
    docs: boxDocs.webhookSignatures,
  });
}
