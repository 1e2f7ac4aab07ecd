const GUIDES = 'https://developer.box.com/guides';

/** Pages of Box's documentation that errors link to. */
export const boxDocs = {
  jwt: `${GUIDES}/authentication/jwt/without-sdk/`,
  jwtSetup: `${GUIDES}/authentication/jwt/jwt-setup/`,
  clientCredentials: `${GUIDES}/authentication/client-credentials/`,
  selectGrant: `${GUIDES}/authentication/select/`,
  authorization: `${GUIDES}/authorization/custom-app-approval/`,
  userAccessTokens: `${GUIDES}/authentication/jwt/user-access-tokens/`,
  asUser: `${GUIDES}/authentication/jwt/as-user/`,
  scopes: `${GUIDES}/api-calls/permissions-and-errors/scopes/`,
  rateLimits: `${GUIDES}/api-calls/permissions-and-errors/rate-limits/`,
  errors: `${GUIDES}/api-calls/permissions-and-errors/common-errors/`,
  downscope: `${GUIDES}/authentication/tokens/downscope/`,
  annotatorTokens: `${GUIDES}/authentication/tokens/annotator-tokens/`,
  tokens: `${GUIDES}/authentication/tokens/`,
  oauth: `${GUIDES}/authentication/oauth2/`,
  oauthSetup: `${GUIDES}/authentication/oauth2/oauth2-setup/`,
  refresh: `${GUIDES}/authentication/tokens/refresh/`,
  webhooks: `${GUIDES}/webhooks/v2/`,
  webhookSignatures: `${GUIDES}/webhooks/v2/signatures-v2/`,
} as const;
