/** The environment variables of an app, each with a description of its value. */
export const boxVariables = {
  BOX_CONFIG_FILE: 'Path of config.json from the developer console',
  BOX_CONFIG: 'Content of config.json, as JSON or base64',
  BOX_CLIENT_ID: 'Client id of the app',
  BOX_CLIENT_SECRET: 'Client secret of the app',
  BOX_ENTERPRISE_ID: 'Enterprise id, for the service account',
  BOX_USER_ID: 'Id of a user, instead of an enterprise id',
  BOX_PUBLIC_KEY_ID: 'Id of the public key, for a key pair',
  BOX_PRIVATE_KEY: 'Private key in PEM, with \\n for newlines, or base64',
  BOX_PRIVATE_KEY_PASSPHRASE: 'Passphrase of the private key',
  BOX_APP_TOKEN: 'App token of a Limited Access App',
  BOX_API_URL: 'URL of an emulator or a proxy instead of https://api.box.com',
  BOX_UPLOAD_URL: 'URL of uploads, if it differs from BOX_API_URL',
} as const;
