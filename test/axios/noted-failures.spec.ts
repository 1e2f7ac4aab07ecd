import { AxiosError, AxiosHeaders, type InternalAxiosRequestConfig } from 'axios';
import { describe, expect, it } from 'vitest';
import { BoxAuth } from '../../lib/box/box-auth.js';
import { issuerOf } from '../../lib/core/http/failed-calls.js';
import { noteFailure } from '../../lib/axios/noted-failures.js';

const { policy } = new BoxAuth({ credentials: { developerToken: 'a-token' } });

function fail(url: string | undefined, error: unknown): void {
  const config: InternalAxiosRequestConfig = { headers: new AxiosHeaders() };
  if (url !== undefined) config.url = url;
  noteFailure(error, config, policy);
}

describe('A failed call', () => {
  const failed = () => new AxiosError('Request failed with status code 404');

  it('to the API is noted as one of its issuer', () => {
    const error = failed();
    fail('https://api.box.com/2.0/users/me', error);
    expect(issuerOf(error)).toBe('Box');
  });

  it.each([
    ['another host', 'https://example.com/2.0/users/me'],
    ['no address', undefined],
  ])('to %s is not', (_, url) => {
    const error = failed();
    fail(url, error);
    expect(issuerOf(error)).toBeUndefined();
  });

  it('with an error of another kind is not', () => {
    const error = new TypeError('a bug of the app');
    fail('https://api.box.com/2.0/users/me', error);
    expect(issuerOf(error)).toBeUndefined();
  });
});
