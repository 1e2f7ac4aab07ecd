/** The signature algorithms that Box accepts (RFC 7518 section 3.3). */
export type SigningAlgorithm = 'RS256' | 'RS384' | 'RS512';
