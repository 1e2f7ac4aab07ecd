import { boxCredentialsAdvice } from '../core/credentials/credentials-advice.js';
import { privateKeyOpener } from '../core/credentials/private-key.js';

/** Opens a private key as `BoxAuthModule` does, with the same words for what is wrong with one. */
export const openBoxKey = privateKeyOpener(boxCredentialsAdvice);
