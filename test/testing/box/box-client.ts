import { type BoxEmulator } from 'nestjs-box-auth/testing';
import { expect } from 'vitest';
import { makeAssertion } from './hand-made-assertion.js';

export interface ReadResponse {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** Undefined when the body is not JSON. */
  readonly json: unknown;
}

export async function request(url: string, init: RequestInit = {}): Promise<ReadResponse> {
  const response = await fetch(url, { redirect: 'manual', ...init });
  const text = await response.text();
  const isJson = response.headers.get('content-type')?.startsWith('application/json') ?? false;
  return {
    status: response.status,
    headers: response.headers,
    text,
    json: isJson ? (JSON.parse(text) as unknown) : undefined,
  };
}

export type Fields = Readonly<Record<string, string>>;

export function postForm(
  emulator: BoxEmulator,
  path: string,
  fields: Fields | URLSearchParams,
  init: RequestInit = {},
): Promise<ReadResponse> {
  return request(emulator.url + path, {
    method: 'POST',
    body: new URLSearchParams(fields),
    ...init,
  });
}

export function clientOf({ config }: BoxEmulator): { client_id: string; client_secret: string } {
  const { clientID, clientSecret } = config.boxAppSettings;
  return { client_id: clientID, client_secret: clientSecret };
}

export function postAssertion(
  emulator: BoxEmulator,
  assertion: string,
  changes: Fields = {},
): Promise<ReadResponse> {
  return postForm(emulator, '/oauth2/token', {
    grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer',
    ...clientOf(emulator),
    assertion,
    ...changes,
  });
}

export function postClientCredentials(
  emulator: BoxEmulator,
  changes: Fields = {},
): Promise<ReadResponse> {
  return postForm(emulator, '/oauth2/token', {
    grant_type: 'client_credentials',
    ...clientOf(emulator),
    box_subject_type: 'enterprise',
    box_subject_id: emulator.config.enterpriseID,
    ...changes,
  });
}

export function postExchange(
  emulator: BoxEmulator,
  subjectToken: string,
  changes: Fields = {},
): Promise<ReadResponse> {
  return postForm(emulator, '/oauth2/token', {
    grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
    subject_token: subjectToken,
    subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
    ...changes,
  });
}

/** Requests an access token for the service account or for a user. */
export async function mint(emulator: BoxEmulator, userId?: string): Promise<string> {
  const claims = userId === undefined ? {} : { sub: userId, box_sub_type: 'user' };
  return tokenIn(await postAssertion(emulator, makeAssertion(emulator.config, { claims })));
}

export function tokenIn(answer: ReadResponse): string {
  expect(answer.status).toBe(200);
  return stringIn(answer, 'access_token');
}

export function stringIn({ json }: ReadResponse, name: string): string {
  const value: unknown = Object.entries(json ?? {}).find(([key]) => key === name)?.[1];
  if (typeof value !== 'string') throw new TypeError(`The answer has no string ${name}.`);
  return value;
}

export function get(
  emulator: BoxEmulator,
  path: string,
  token: string,
  headers: Fields = {},
): Promise<ReadResponse> {
  return request(emulator.url + path, {
    headers: { authorization: `Bearer ${token}`, ...headers },
  });
}

export function invalidGrant(description: string): object {
  return { status: 400, json: { error: 'invalid_grant', error_description: description } };
}

export function oauthRefusal(error: string, description: string, status = 400): object {
  return { status, json: { error, error_description: description } };
}
