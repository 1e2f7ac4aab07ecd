import type { CredentialsAdvice } from '../../core/credentials/credentials-advice.js';

export const boxCredentialsAdvice: CredentialsAdvice = {
  issuer: 'Box',
  hint: 'Download config.json again from the Configuration tab of the Box developer console, or fix the fields named above.',
  docs: 'https://developer.box.com/guides/authentication/jwt/jwt-setup/',
  newKey: 'openssl genrsa -aes256 -out private.pem 2048',
  passphraseVariable: 'BOX_PRIVATE_KEY_PASSPHRASE',
};
