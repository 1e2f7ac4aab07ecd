import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { BoxAuthError, type BoxAuthErrorDetails } from '../../../lib/core/errors/box-auth.error.js';
import {
  formatForLog,
  gatewayResponse,
  retryAfterSeconds,
} from '../../../lib/core/errors/gateway-response.js';
import { fingerprint, Secret } from '../../../lib/core/errors/secret.js';

const errorWith = (details: Partial<BoxAuthErrorDetails> = {}) =>
  new BoxAuthError({ code: 'network', message: 'm.', hint: 'h.', docs: 'd', ...details });
const full = {
  retryable: true,
  status: 503,
  requestId: 'a.B:c-1_',
  retryAfterMs: 1_500,
  enterprise: '7654321',
};

describe('A BoxAuthError', () => {
  it('has the name of its class, and all details', () => {
    const error = errorWith({ ...full, cause: new TypeError('no') });
    expect(error).toBeInstanceOf(Error);
    expect(error).toMatchObject({
      name: 'BoxAuthError',
      code: 'network',
      message: 'm.',
      hint: 'h.',
      docs: 'd',
      ...full,
    });
    expect(error.cause).toMatchObject({ name: 'TypeError', message: 'no' });
  });

  it('is not retryable by default, and has no property for a missing detail', () => {
    const error = errorWith();
    expect(error.retryable).toBe(false);
    for (const name of ['status', 'requestId', 'retryAfterMs', 'enterprise', 'cause']) {
      expect(error).not.toHaveProperty(name);
    }
  });

  it.each(['', ' ', 'a b', 'a\nb', 'a,b', 'x'.repeat(65)])(
    'drops the request id %j',
    (requestId) => {
      expect(errorWith({ requestId })).not.toHaveProperty('requestId');
    },
  );

  it('keeps a request id of 64 characters', () => {
    expect(errorWith({ requestId: 'x'.repeat(64) }).requestId).toHaveLength(64);
  });

  it('copies itself with changes', () => {
    const error = errorWith({ ...full, cause: new TypeError('no') });
    const copy = error.with({ message: 'new', retryAfterMs: 1 });
    expect(copy).not.toBe(error);
    expect(copy.toJSON()).toEqual({ ...error.toJSON(), message: 'new', retryAfterMs: 1 });
  });

  it('has a JSON form with its cause as one line', () => {
    expect(errorWith({ ...full, cause: new TypeError('no') }).toJSON()).toEqual({
      name: 'BoxAuthError',
      code: 'network',
      message: 'm.',
      hint: 'h.',
      docs: 'd',
      ...full,
      cause: 'TypeError: no',
    });
    expect(errorWith().toJSON()['cause']).toBeUndefined();
  });

  it('is recognized by instanceof across copies of the package', () => {
    const ofOtherCopy = { [Symbol.for('nestjs-box-auth.BoxAuthError')]: true };
    expect(ofOtherCopy instanceof BoxAuthError).toBe(true);
    expect(Reflect.get(errorWith(), Symbol.for('nestjs-box-auth.BoxAuthError'))).toBe(true);
  });

  it.each([
    new Error('m'),
    {},
    null,
    undefined,
    'text',
    () => undefined,
    new Proxy(
      {},
      {
        has: () => {
          throw new Error('has');
        },
      },
    ),
  ])('is not recognized in another value', (value) => {
    expect(value instanceof BoxAuthError).toBe(false);
  });
});

describe('The response to a client', () => {
  it('is a 503 for a transient error', () => {
    expect(gatewayResponse(errorWith({ retryable: true }))).toEqual({
      statusCode: 503,
      message: 'An upstream service is temporarily unavailable.',
      error: 'Service Unavailable',
    });
  });

  it('is a 502 for an error that needs a fix', () => {
    expect(gatewayResponse(errorWith())).toEqual({
      statusCode: 502,
      message: 'A call to an upstream service failed.',
      error: 'Bad Gateway',
    });
  });

  it.each([
    ['acting_user_missing', 401, 'Unauthorized', 'This request needs a signed-in user.'],
    ['enterprise_missing', 401, 'Unauthorized', 'This request needs a signed-in user.'],
    [
      'enterprise_not_allowed',
      403,
      'Forbidden',
      'This request is for an enterprise that is not served here.',
    ],
    ['owner_invalid', 401, 'Unauthorized', 'This request needs a signed-in user.'],
    ['return_to_invalid', 400, 'Bad Request', 'The address to return to is invalid.'],
    [
      'state_invalid',
      400,
      'Bad Request',
      'This sign-in was begun by another browser or another person.',
    ],
    ['state_expired', 400, 'Bad Request', 'This sign-in has expired.'],
    ['state_used', 400, 'Bad Request', 'This sign-in is already complete.'],
    ['consent_denied', 403, 'Forbidden', 'The use of the account was not allowed.'],
    ['vault_unreadable', 500, 'Internal Server Error', 'The connected account could not be read.'],
    ['webhook_invalid', 403, 'Forbidden', 'This webhook could not be verified.'],
    [
      'webhook_raw_body_missing',
      500,
      'Internal Server Error',
      'The body of this webhook could not be read.',
    ],
  ] as const)('for %s is a %d', (code, statusCode, error, message) => {
    expect(gatewayResponse(errorWith({ code }))).toEqual({ statusCode, message, error });
  });

  it.each([
    ['connection_missing', 'This request needs a connected account.'],
    ['reauthorization_required', 'The account must be connected again.'],
  ] as const)('for %s is a 401 with the path that connects an account', (code, message) => {
    const response = { statusCode: 401, message, error: 'Unauthorized', code };
    expect(gatewayResponse(errorWith({ code }))).toEqual(response);
    const connectUrl = '/box/connect';
    const error = errorWith({ code, connectUrl });
    expect(gatewayResponse(error)).toEqual({ ...response, connectUrl });
    expect(gatewayResponse(error.with({ message: 'another' }))).toEqual({
      ...response,
      connectUrl,
    });
    expect(error.toJSON()).toMatchObject({ connectUrl });
  });

  it('has no path for another error', () => {
    const error = errorWith({ code: 'client_invalid', connectUrl: '/box/connect' });
    expect(gatewayResponse(error)).not.toHaveProperty('connectUrl');
  });

  it('is a 413 for a webhook that is too large', () => {
    const tooLarge = errorWith({ code: 'webhook_raw_body_missing', status: 413 });
    expect(gatewayResponse(tooLarge).statusCode).toBe(413);
  });

  it('has the status that the app maps the status of the API to', () => {
    const statuses = { 404: 410, 403: 599 };
    const statusOf = (details: Partial<BoxAuthErrorDetails>) =>
      gatewayResponse(errorWith(details), statuses);
    expect(statusOf({ code: 'request_refused', status: 404 })).toEqual({
      statusCode: 410,
      message: 'A call to an upstream service failed.',
      error: 'Gone',
    });
    expect(statusOf({ code: 'access_denied', status: 403 })).toMatchObject({
      statusCode: 599,
      error: 'Error',
    });
    expect(statusOf({ code: 'request_refused', status: 409 }).statusCode).toBe(502);
    expect(statusOf({ code: 'request_refused' }).statusCode).toBe(502);
    expect(statusOf({ code: 'client_invalid', status: 404 }).statusCode).toBe(502);
    expect(statusOf({ code: 'request_refused', status: 404, retryable: true }).statusCode).toBe(
      503,
    );
  });

  it('has Retry-After in full seconds, if the error is transient', () => {
    expect(retryAfterSeconds(errorWith(full))).toBe('2');
    expect(retryAfterSeconds(errorWith({ ...full, retryAfterMs: 0 }))).toBe('0');
    expect(retryAfterSeconds(errorWith({ ...full, retryable: false }))).toBeUndefined();
    expect(retryAfterSeconds(errorWith({ retryable: true }))).toBeUndefined();
  });
});

describe('formatForLog', () => {
  it('names code, message, hint and the request id', () => {
    expect(formatForLog(errorWith())).toBe('network: m. h.');
    expect(formatForLog(errorWith(full))).toBe('network: m. h. (Box request id: a.B:c-1_)');
  });
});

describe('A Secret', () => {
  it('is a placeholder in text and JSON', () => {
    const secret = new Secret('hidden');
    const shown = [String(secret), JSON.stringify([secret]), inspect([secret])];
    expect(shown).toEqual(['[secret]', '["[secret]"]', '[ [secret] ]']);
    expect(secret.reveal()).toBe('hidden');
  });

  it('has a fingerprint that depends on every part and on where one ends', () => {
    const all = [['a'], ['b'], ['a', 'b'], ['ab'], ['a', 'b', '']];
    const prints = all.map((parts) => fingerprint(...parts));
    expect(new Set(prints).size).toBe(all.length);
    expect(fingerprint('a')).toBe(prints[0]);
    expect(prints[0]).toMatch(/^[\w-]{43}$/);
  });
});
