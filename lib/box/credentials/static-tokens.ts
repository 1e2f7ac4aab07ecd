import { Secret } from '../../core/errors/secret.js';
import type { StaticToken } from '../../core/credentials/credentials-source.js';

type Kind = Omit<StaticToken, 'value' | 'expiresAt'>;

const developerTokenKind: Kind = {
  name: 'developer token',
  owner: 'one user',
  refusal: {
    code: 'developer_token_expired',
    hint: 'Developer tokens live 60 minutes. Create another one in the developer console, or use a key pair, whose tokens are refreshed automatically.',
    docs: 'https://developer.box.com/guides/authentication/tokens/developer-tokens/',
  },
  revocationHint: 'Revoke it in the developer console.',
};

const appTokenKind: Kind = {
  name: 'app token',
  owner: "the app's service account",
  refusal: {
    code: 'token_invalid',
    hint: 'Generate another one in the Configuration tab of the Box developer console, under Primary or Secondary Access Token. An app token lives until it is revoked there, or for its chosen lifetime of 30 or 60 days.',
    docs: 'https://developer.box.com/guides/authentication/app-token/',
  },
  revocationHint: 'Revoke it in the Configuration tab of the Box developer console.',
};

const accessTokenKind: Kind = {
  name: 'access token',
  owner: 'the subject that it was issued for',
  refusal: {
    code: 'token_invalid',
    hint: 'An access token in the options cannot be refreshed. Pass a function as `credentials` that returns { accessToken, expiresAt }. It is called again, after a pause, once the token has expired or was rejected.',
    docs: 'https://developer.box.com/guides/authentication/tokens/access-tokens/',
  },
  revocationHint: 'Revoke it where it was issued.',
};

export function developerToken(value: string): StaticToken {
  return { ...developerTokenKind, value: new Secret(value), expiresAt: undefined };
}

export function appToken(value: string): StaticToken {
  return { ...appTokenKind, value: new Secret(value), expiresAt: undefined };
}

export function accessToken(value: string, expiresAt: number | undefined): StaticToken {
  return { ...accessTokenKind, value: new Secret(value), expiresAt };
}
