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

/** Sends a JSON body, or another body unchanged. */
export function send(
  emulator: BoxEmulator,
  endpoint: `${'DELETE' | 'OPTIONS' | 'POST' | 'PUT'} ${string}`,
  token: string,
  {
    json,
    body,
    headers = {},
  }: { json?: object; body?: RequestInit['body']; headers?: Fields } = {},
): Promise<ReadResponse> {
  const [method = '', path = ''] = endpoint.split(' ');
  return request(path.startsWith('http') ? path : emulator.url + path, {
    method,
    headers: {
      authorization: `Bearer ${token}`,
      ...(json && { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(json ? { body: JSON.stringify(json) } : body !== undefined && { body }),
  });
}

/** A form as Box expects it: the attributes first. */
export function uploadForm(
  attributes: object,
  content: string | Uint8Array<ArrayBuffer>,
): FormData {
  const form = new FormData();
  form.append('attributes', JSON.stringify(attributes));
  form.append('file', new Blob([content], { type: 'text/plain' }), 'file');
  return form;
}

/** The id of the only file of an upload. */
export function uploadedId({ json }: ReadResponse): string {
  const entries = (json as { entries: { id: string }[] }).entries;
  return entries[0]?.id ?? '';
}

export function invalidGrant(description: string): object {
  return { status: 400, json: { error: 'invalid_grant', error_description: description } };
}

export function oauthRefusal(error: string, description: string, status = 400): object {
  return { status, json: { error, error_description: description } };
}
