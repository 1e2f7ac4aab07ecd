import { BoxAuthError } from '../errors/box-auth.error.js';
import type { Issuer } from './issuer.js';
import { UnusableAnswer } from './token-request.js';

type Endpoint = Pick<Issuer<never>, 'name' | 'docs' | 'tokenUrl'>;

/** No answer within `ms` milliseconds. */
export function timeoutError({ name, docs, tokenUrl }: Endpoint, ms: number): BoxAuthError {
  return new BoxAuthError({
    code: 'timeout',
    message: `${name}'s token endpoint ${tokenUrl} gave no answer within ${Math.round(ms)} ms.`,
    hint: 'If it lasts, check the way out of this network (proxy, firewall, DNS) and the status page of the service.',
    docs,
    retryable: true,
  });
}

/** The request failed, or its answer is of no use: why, and whether it may pass. */
export function unreachableError({ name, docs, tokenUrl }: Endpoint, error: unknown): BoxAuthError {
  if (error instanceof UnusableAnswer) {
    return new BoxAuthError({
      code: 'response_invalid',
      message: `What answered at ${tokenUrl} is not ${name}'s token endpoint: ${error.message}.`,
      hint: 'Check apiUrl, and whether a proxy or a captive portal answers in its place.',
      docs,
      retryable: true,
    });
  }
  const code = systemCode(error);
  const untrusted = /CERT|SELF_SIGNED|UNABLE_TO_VERIFY/.test(code);
  return new BoxAuthError({
    code: 'network',
    message: `${name}'s token endpoint ${tokenUrl} cannot be reached (${code}).`,
    hint: untrusted
      ? 'Its certificate is not trusted here: set NODE_EXTRA_CA_CERTS, or pass a fetch that knows the private CA.'
      : 'Check the way out of this network: proxy, firewall, DNS.',
    docs,
    retryable: !untrusted,
    cause: error,
  });
}

/** fetch says "fetch failed"; what failed is the code of a cause. */
function systemCode(error: unknown): string {
  for (let cause: unknown = error; cause instanceof Error; cause = cause.cause) {
    if ('code' in cause && typeof cause.code === 'string' && /^\w{1,60}$/.test(cause.code)) {
      return cause.code;
    }
  }
  return 'no code';
}
