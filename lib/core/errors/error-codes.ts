/**
 * Every `code` a {@link BoxAuthError} can have. The set is closed: a `switch` over it can be exhaustive.
 *
 * The comment next to a code says what happened. The `hint` of the error says how to fix it.
 */
export type BoxAuthErrorCode =
  // Configuration: found at bootstrap.
  | 'config_missing' // no credentials in the options or in the environment
  | 'config_unreadable' // the file of `configFile` cannot be read
  | 'config_invalid' // a field is missing, has the wrong type, or is unknown
  | 'option_invalid' // an option other than the credentials is invalid
  | 'credentials_unavailable' // the `credentials` function threw or rejected
  // The private key: found at bootstrap.
  | 'key_passphrase_missing'
  | 'key_passphrase_wrong'
  | 'key_cipher_unsupported' // encrypted with a cipher that OpenSSL 3 moved to its legacy provider
  | 'key_truncated' // a PEM without its end: often a .env value that ends at its first newline
  | 'key_invalid' // not a private key in PEM
  | 'key_unsuitable' // not RSA, or under 2048 bits
  | 'signer_failed' // the external signer threw, returned nothing, or took too long
  // Calls of this package's methods.
  | 'subject_invalid' // not `{ type: 'enterprise' | 'user', id }` with an id of 1 to 20 digits, the first not 0
  | 'subject_unsupported' // these credentials cannot request a token for that subject
  | 'acting_user_invalid' // not an id of 1 to 20 digits, the first not 0
  | 'acting_user_missing' // the resolver of `@AsUser` returned no user
  | 'enterprise_missing' // the resolver of `@ForEnterprise` returned no enterprise, or a call names none that must
  | 'enterprise_not_allowed' // the option `tenants` does not contain the enterprise
  | 'revocation_unsupported' // the credentials are a fixed token, which the app cannot revoke
  | 'downscope_invalid' // no scope, both a resource and a shared link, or an invalid actor
  | 'origin_not_allowed' // headers were requested for an address that must not receive them
  | 'provider_replaced' // a test replaced BoxTokenProvider by an object that cannot provide tokens to HTTP clients
  | 'body_not_replayable' // the token was refused and refreshed, but the request's body cannot be sent again
  // Webhooks.
  | 'webhook_invalid' // not signed with a key of the app, too old, or not an event
  | 'webhook_raw_body_missing' // the bytes of the body are unavailable, so the signature cannot be verified
  // Refused by the token endpoint.
  | 'app_not_authorized' // the enterprise's admin has not authorized the app
  | 'client_invalid' // unknown client id, or wrong secret
  | 'user_tokens_not_enabled' // the app may not request user access tokens
  | 'grant_not_allowed' // the app's authentication type does not allow the grant
  | 'request_malformed' // wrong host, or a proxy changed the body or content type
  | 'grant_invalid' // client credentials: id, secret, subject, access level or approval
  | 'subject_refused' // `sub` and `box_sub_type` do not match the app
  | 'assertion_expired' // the clock is off
  | 'assertion_not_yet_valid' // the clock is ahead
  | 'assertion_replayed' // an assertion was received twice
  | 'issuer_refused' // `iss` is not the client id
  | 'signature_refused' // the public key does not belong to the private key
  | 'key_unknown' // the public key id is not registered
  | 'subject_token_refused' // the token to downscope has expired or was revoked
  | 'scope_refused' // an unknown scope, or one that the token does not have
  | 'resource_refused' // the item does not exist, or the subject cannot see it
  | 'token_request_refused' // any other 4xx of the token endpoint
  // Refused by the API: errors of `boxApiError`.
  | 'token_invalid' // expired or revoked
  | 'unauthorized' // a 401 for another reason than an expired token
  | 'insufficient_scope'
  | 'access_denied' // often: as-user is not allowed for that user
  | 'terms_of_service_required'
  | 'request_refused' // any other refusal of an API call
  // No usable response: transient.
  | 'rate_limited'
  | 'unavailable' // 5xx
  | 'timeout'
  | 'network'
  | 'response_invalid' // not JSON, too large, a redirect, or no token in it
  // The token's life.
  | 'expired_on_arrival' // the machine slept during the token request, or its clock was set
  | 'token_refused_again' // a token was refused right after it replaced a refused one
  | 'developer_token_expired' // developer tokens live 60 minutes and cannot be refreshed
  // Connections of people's own accounts.
  | 'connection_missing' // the person has not connected an account
  | 'reauthorization_required' // the issuer refused the refresh token: the person must connect the account again
  | 'owner_invalid' // not a string of 1 to 255 characters
  | 'return_to_invalid' // not a path of the app
  | 'state_invalid' // the callback does not belong to a sign-in of this browser and this person
  | 'state_expired' // the sign-in took longer than ten minutes
  | 'state_used' // the callback was opened twice
  | 'consent_denied' // the person did not allow the app to use the account
  | 'vault_unavailable' // the vault of connections did not respond
  | 'vault_unreadable' // a row of the vault cannot be decrypted
  // Stores and shutdown.
  | 'store_unavailable' // the token store is unavailable, and `onStoreFailure` is 'closed'
  | 'closed'; // the module was shut down
