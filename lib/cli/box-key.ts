import { boxCredentialsHelp } from '../box/credentials/box-credentials.js';
import { cachedKeyParser } from '../core/credentials/private-key.js';

/** Opens a private key as `BoxAuthModule` does, with the same words for what is wrong with one. */
export const openBoxKey = cachedKeyParser(boxCredentialsHelp);
