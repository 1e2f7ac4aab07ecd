import { boxCredentialsAdvice } from '../box/credentials/box-credentials-advice.js';
import { privateKeyOpener } from '../core/credentials/private-key.js';

/** Opens a private key as `BoxAuthModule` does, with the same words for what is wrong with one. */
export const openBoxKey = privateKeyOpener(boxCredentialsAdvice);
