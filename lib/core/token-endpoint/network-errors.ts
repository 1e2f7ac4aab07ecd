import { types } from 'node:util';
import { signerError } from '../credentials/assertion.js';
import { BoxAuthError } from '../errors/box-auth.error.js';
import type { Issuer } from './issuer.js';
import { UnusableResponse } from './token-request.js';

const MAX_CAUSES = 10;

type Endpoint = Pick<Issuer<never>, 'name' | 'docs' | 'tokenUrl'>;

/** How long a caller waited for a response, in how many attempts. */
export interface Wait {
  readonly waitedMs: number;
  readonly attempts: number;
}

/** No response in time. */
export function timeoutError(
  { name, docs, tokenUrl }: Endpoint,
  { waitedMs, attempts }: Wait,
): BoxAuthError {
  const time = shownTime(waitedMs);
  return new BoxAuthError({
    code: 'timeout',
    message: `${name}'s token endpoint ${tokenUrl} ${silence(time, attempts)}.`,
    hint: 'If it lasts, check the way out of this network (proxy, firewall, DNS) and the status page of the service.',
    docs,
    retryable: true,
  });
}

function silence(time: string, attempts: number): string {
  if (attempts === 0) return `was sent nothing within ${time}, as requests before got no response`;
  const all = attempts === 1 ? '' : ` (${attempts} attempts, no response to the last)`;
  return `gave no response within ${time}${all}`;
}

/** A caller waited for the signature of an assertion. */
export function unsignedError({ waitedMs, attempts }: Wait): BoxAuthError {
  const all = attempts === 1 ? '' : ` (${attempts} attempts)`;
  return signerError(`The assertion was not signed within ${shownTime(waitedMs)}${all}.`);
}

function shownTime(ms: number): string {
  return ms < 1000 ? `${Math.round(ms)} ms` : `${Number((ms / 1000).toFixed(1))} s`;
}

/** The request failed, or its answer is of no use: why, and whether it may pass. */
export function unreachableError({ name, docs, tokenUrl }: Endpoint, error: unknown): BoxAuthError {
  // Anything can be thrown: `instanceof` alone runs the traps of a Proxy.
  if (types.isNativeError(error) && error instanceof UnusableResponse) {
    return new BoxAuthError({
      code: 'response_invalid',
      message: `What answered at ${tokenUrl} is not ${name}'s token endpoint: ${error.message}.`,
      hint: 'Check apiUrl, and whether a proxy or a captive portal answers in its place.',
      docs,
      retryable: true,
    });
  }
  const code = systemCode(error);
  const { hint, retryable } = NETWORK_CAUSES.find(({ codes }) => codes.test(code)) ?? UNKNOWN_CAUSE;
  return new BoxAuthError({
    code: 'network',
    message: `${name}'s token endpoint ${tokenUrl} cannot be reached (${code}).`,
    hint,
    docs,
    retryable,
    cause: error,
  });
}

interface NetworkCause {
  readonly codes: RegExp;
  readonly hint: string;
  /** Whether another attempt can succeed without a change of the configuration. */
  readonly retryable: boolean;
}

const ADD_CA =
  'set NODE_EXTRA_CA_CERTS to the PEM file of that CA, or pass a fetch that trusts it. A proxy that inspects TLS has a CA of its own.';

/** Why a connection failed, by the codes of Node, OpenSSL and undici; the first that fits counts. */
const NETWORK_CAUSES: readonly NetworkCause[] = [
  {
    codes: /^ERR_TLS_CERT_ALTNAME_INVALID$/,
    hint: 'Its certificate is for another host name: check the host name of the address, and whether DNS or a proxy leads to another server. A CA certificate does not help.',
    retryable: false,
  },
  {
    codes: /^(?:CERT_HAS_EXPIRED|CERT_NOT_YET_VALID)$/,
    hint: 'Its certificate is not valid at this time: check the clock of this machine (NTP); if that is right, the server or a proxy on the way needs a new certificate.',
    retryable: false,
  },
  {
    codes: /SELF_SIGNED/,
    hint: `Its certificate is signed by a CA that this process does not trust: ${ADD_CA}`,
    retryable: false,
  },
  {
    codes: /^UNABLE_TO_(?:VERIFY|GET_ISSUER)/,
    hint: `The CA of its certificate is not known here, or the server leaves out an intermediate certificate: ${ADD_CA}`,
    retryable: false,
  },
  {
    codes: /CERT/,
    hint: `Its certificate is not trusted here. If it is of a private CA, ${ADD_CA}`,
    retryable: false,
  },
  {
    codes: /^(?:EPROTO|ERR_SSL_\w+)$/,
    hint: 'No TLS could be agreed on: check that the address has the right port and protocol (https, not http), and whether a proxy on the way speaks plain http or an old version of TLS.',
    retryable: true,
  },
  {
    codes: /^ENOTFOUND$/,
    hint: 'DNS does not know the host name: check its spelling. In a network without DNS for the internet, pass a fetch that goes through the proxy.',
    retryable: true,
  },
  {
    codes: /^EAI_/,
    hint: 'DNS gave no result: check that the DNS server of this machine or container can be reached.',
    retryable: true,
  },
  {
    codes: /^(?:ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|UND_ERR_CONNECT_TIMEOUT)$/,
    hint: 'No connection could be made: check whether a firewall lets this machine out, and whether it must go through a proxy; then pass a fetch that does.',
    retryable: true,
  },
  {
    codes: /^UND_ERR_(?:HEADERS|BODY)_TIMEOUT$/,
    hint: 'The connection was made, but no response came in the time that the fetch allows: check that time, and the status page of the service.',
    retryable: true,
  },
  {
    codes: /^(?:ECONNRESET|EPIPE|UND_ERR_SOCKET)$/,
    hint: 'The connection was closed before a response succeeded: if it lasts, check for a proxy or firewall on the way that ends connections.',
    retryable: true,
  },
  {
    codes: /^ECONNREFUSED$/,
    hint: 'Nothing listens at this host and port, or a firewall refuses the connection: check both. An emulator or a proxy on this machine must be started first; in a container, localhost is the container itself.',
    retryable: true,
  },
];

const UNKNOWN_CAUSE: Omit<NetworkCause, 'codes'> = {
  hint: 'Check the way out of this network: proxy, firewall, DNS.',
  retryable: true,
};

/** The message of fetch is "fetch failed". The reason is the code of a cause. */
function systemCode(error: unknown): string {
  let cause = error;
  try {
    // Bounded: an error may be its own cause.
    for (let depth = 0; depth < MAX_CAUSES && cause instanceof Error; depth++) {
      if ('code' in cause && typeof cause.code === 'string' && /^\w{1,60}$/.test(cause.code)) {
        return cause.code;
      }
      cause = cause.cause;
    }
  } catch {
    // A getter or a Proxy threw: there is no code to read.
  }
  return 'no code';
}
