/** What whoever has wrong credentials of an issuer is told: they come from its pages, and are mended there. */
export interface CredentialsAdvice {
  /** Who takes them. */
  readonly issuer: string;
  /** Where to get right ones. */
  readonly hint: string;
  readonly docs: string;
  /** How to make a key pair that the issuer takes. */
  readonly newKey: string;
  /** The environment variable of the passphrase. */
  readonly passphraseVariable: string;
}

export const boxCredentialsAdvice: CredentialsAdvice = {
  issuer: 'Box',
  hint: 'Download config.json again from the Configuration tab of the Box developer console, or mend the fields named above.',
  docs: 'https://developer.box.com/guides/authentication/jwt/jwt-setup/',
  newKey: 'openssl genrsa -aes256 -out private.pem 2048',
  passphraseVariable: 'BOX_PRIVATE_KEY_PASSPHRASE',
};
