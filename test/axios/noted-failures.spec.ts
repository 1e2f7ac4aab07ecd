import { AxiosError, AxiosHeaders, type InternalAxiosRequestConfig } from 'axios';
import { describe, expect, it } from 'vitest';
import { BoxAuth } from '../../lib/box/box-auth.js';
import { issuerOf } from '../../lib/core/http/failed-calls.js';
import { notingFailures } from '../../lib/axios/noted-failures.js';

const { policy } = new BoxAuth({ credentials: { developerToken: 'a-token' } });

async function failureOf(url: string | undefined, error: unknown): Promise<unknown> {
  const send = notingFailures(() => Promise.reject(error), policy);
  const config: InternalAxiosRequestConfig = { headers: new AxiosHeaders() };
  if (url !== undefined) config.url = url;
  return send(config).catch((thrown: unknown) => thrown);
}

describe('A failed call', () => {
  const failed = () => new AxiosError('Request failed with status code 404');

  it('to the API is noted as one of its issuer', async () => {
    const error = failed();
    expect(await failureOf('https://api.box.com/2.0/users/me', error)).toBe(error);
    expect(issuerOf(error)).toBe('Box');
  });

  it.each([
    ['another host', 'https://example.com/2.0/users/me'],
    ['no address', undefined],
  ])('to %s is not', async (_, url) => {
    const error = failed();
    expect(await failureOf(url, error)).toBe(error);
    expect(issuerOf(error)).toBeUndefined();
  });

  it('with an error of another kind is not', async () => {
    const error = new TypeError('a bug of the app');
    expect(await failureOf('https://api.box.com/2.0/users/me', error)).toBe(error);
    expect(issuerOf(error)).toBeUndefined();
  });
});
