/**
 * Every `code` a {@link BoxAuthError} can have. The set is closed: a `switch` over it can be exhaustive.
 *
 * The comment beside a code says what happened; the error's own `hint` says what to do.
 */
export type BoxAuthErrorCode =
  // Configuration: found at bootstrap.
  | 'config_missing' // no credentials were given, nor found in the environment
  | 'config_unreadable' // the file of `configFile` cannot be read
  | 'config_invalid' // a field is missing, has another type, or is not known
  | 'option_invalid' // an option other than the credentials is out of its range
  | 'credentials_unavailable' // the `credentials` function threw or rejected
  // The private key: found at bootstrap.
  | 'key_passphrase_missing'
  | 'key_passphrase_wrong'
  | 'key_cipher_unsupported' // encrypted with a cipher that OpenSSL 3 moved to its legacy provider
  | 'key_truncated' // a PEM without its end, often a .env file that was cut at the first newline
  | 'key_invalid' // not a private key in PEM
  | 'key_unsuitable' // not RSA, or under 2048 bits
  | 'signer_failed' // the external signer threw, gave nothing, or took too long
  // What the caller asked for.
  | 'subject_invalid' // not `{ type: 'enterprise' | 'user', id }` with an id of 1 to 20 digits, the first not 0
  | 'subject_unsupported' // these credentials cannot get a token for that subject
  | 'acting_user_invalid' // not an id of 1 to 20 digits, the first not 0
  | 'acting_user_missing' // a resolver of `@AsUser` yielded nothing
  | 'revocation_unsupported' // these credentials are a token themselves: the app cannot revoke it
  | 'downscope_invalid' // no scope, or a resource and a shared link at once
  | 'origin_not_allowed' // headers were asked for an address that must not get them
  | 'provider_replaced' // a test put an object of its own in the place of BoxTokenProvider, and a call needs a token
  | 'body_not_replayable' // the token was refused and renewed, but the request's stream is consumed
  // What the token endpoint refused, a row each of Box's refusals.
  | 'app_not_authorized' // the enterprise's admin has not approved the app
  | 'client_invalid' // client id or secret
  | 'user_tokens_not_enabled' // the app may not have user access tokens
  | 'grant_not_allowed' // the app's type and the grant differ
  | 'request_malformed' // wrong host, or something on the way changed the content type
  | 'grant_invalid' // client credentials: id, secret, subject, access level or approval
  | 'subject_refused' // `sub` and `box_sub_type` do not match the app
  | 'assertion_expired' // the clock is off
  | 'assertion_not_yet_valid' // the clock is ahead
  | 'assertion_replayed' // an assertion was sent twice
  | 'issuer_refused' // `iss` is not the client id
  | 'signature_refused' // the public key does not belong to the private key
  | 'key_unknown' // the public key id is not registered
  | 'subject_token_refused' // the token that was to be downscoped is no longer good
  | 'scope_refused' // a scope that is unknown, or that the token does not have
  | 'resource_refused' // no such item, or not one that the subject can see
  | 'token_request_refused' // any other 4xx of the token endpoint
  // What an API call was refused, for those who turn an answer into an error.
  | 'token_invalid' // expired or revoked
  | 'unauthorized' // 401 that is not about the token's age
  | 'insufficient_scope'
  | 'access_denied' // often: the as-user target is not allowed
  | 'terms_of_service_required'
  | 'request_refused' // any other refusal of an API call
  // What kept the endpoint from answering: these pass by themselves.
  | 'rate_limited'
  | 'unavailable' // 5xx
  | 'timeout'
  | 'network'
  | 'response_invalid' // not JSON, too large, a redirect, or no token in it
  // The token's life.
  | 'expired_on_arrival' // the machine slept over the mint, or the clock was set
  | 'token_refused_again' // a token was refused right after it had been requested for a refused one
  | 'developer_token_expired' // developer tokens live 60 minutes and cannot be renewed
  | 'store_unavailable' // the store that shares tokens is away, and `onStoreFailure` is 'closed'
  | 'closed'; // the module was shut down
