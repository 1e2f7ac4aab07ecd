const EXPERIENCE_LEAGUE = 'https://experienceleague.adobe.com/en/docs/workfront/using';

/** Pages of Adobe's documentation that errors link to. */
export const workfrontDocs = {
  jwtFlow: `${EXPERIENCE_LEAGUE}/adobe-workfront-api/api-notes/oauth-app-jwt-flow`,
  application: `${EXPERIENCE_LEAGUE}/administration-and-setup/configure-integrations/create-oauth-application`,
  api: `${EXPERIENCE_LEAGUE}/adobe-workfront-api/api-general-information/api-basics`,
} as const;
