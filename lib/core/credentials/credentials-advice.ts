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
