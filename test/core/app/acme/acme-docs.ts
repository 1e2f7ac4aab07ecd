export const acmeDocs = 'https://developer.acme.example/oauth2';
