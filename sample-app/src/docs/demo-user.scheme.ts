/** The name of the security scheme of routes that require sign-in. */
export const DEMO_USER = 'demo-user';
