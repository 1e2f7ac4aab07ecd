/** Box's own API. */
export const BOX_API_URL = 'https://api.box.com';

/** The audience of every assertion, also when the request goes through a proxy or to an emulator. */
export const BOX_AUDIENCE = 'https://api.box.com/oauth2/token';
