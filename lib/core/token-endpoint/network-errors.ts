import { types } from 'node:util';
import { signerError } from '../credentials/assertion.js';
import { BoxAuthError } from '../errors/box-auth.error.js';
import { systemCode } from '../errors/system-code.js';
import type { Issuer } from './issuer.js';
import { UnusableResponse } from './token-request.js';

type Endpoint = Pick<Issuer<never>, 'name' | 'docs' | 'tokenUrl'>;

/** A server that gives no usable response, as messages name it. */
interface Server {
  readonly title: string;
  readonly url: string;
  readonly docs: string;
}

/** How long a caller waited for a response, in how many attempts. */
export interface Wait {
  readonly waitedMs: number;
  readonly attempts: number;
}

/** The error of a token request without a response in time. */
export function timeoutError(endpoint: Endpoint, wait: Wait): BoxAuthError {
  return serverTimeoutError(serverOf(endpoint), wait);
}

/** The error of any request without a response in time. */
export function serverTimeoutError(
  { title, url, docs }: Server,
  { waitedMs, attempts }: Wait,
): BoxAuthError {
  const time = shownTime(waitedMs);
  return new BoxAuthError({
    code: 'timeout',
    message: `${title} ${url} ${describeTimeout(time, attempts)}.`,
    hint: 'If this lasts, check the outgoing connections of this network (proxy, firewall, DNS) and the status page of the service.',
    docs,
    retryable: true,
  });
}

function describeTimeout(time: string, attempts: number): string {
  if (attempts === 0)
    return `received no request within ${time}, because earlier requests got no response`;
  const count = attempts === 1 ? '' : ` (${attempts} attempts, no response to the last)`;
  return `gave no response within ${time}${count}`;
}

/** The error of a token request whose assertion was not signed in time. */
export function unsignedError({ waitedMs, attempts }: Wait): BoxAuthError {
  const count = attempts === 1 ? '' : ` (${attempts} attempts)`;
  return signerError(`The assertion was not signed within ${shownTime(waitedMs)}${count}.`);
}

function shownTime(ms: number): string {
  return ms < 1000 ? `${Math.round(ms)} ms` : `${Number((ms / 1000).toFixed(1))} s`;
}

/** The error of a token request that failed, or whose response is unusable. */
export function unreachableError(endpoint: Endpoint, error: unknown): BoxAuthError {
  return unreachableServerError(serverOf(endpoint), error);
}

/** The error of any request that failed, or whose response is unusable. */
export function unreachableServerError({ title, url, docs }: Server, error: unknown): BoxAuthError {
  // Anything can be thrown: `instanceof` alone runs the traps of a Proxy.
  if (types.isNativeError(error) && error instanceof UnusableResponse) {
    return new BoxAuthError({
      code: 'response_invalid',
      message: `The response from ${url} is not from ${title}: ${error.message}.`,
      hint: 'Check apiUrl, and whether a proxy or a captive portal responds instead.',
      docs,
      retryable: true,
    });
  }
  const code = systemCode(error) ?? 'no code';
  const { hint, retryable } = NETWORK_CAUSES.find(({ codes }) => codes.test(code)) ?? UNKNOWN_CAUSE;
  return new BoxAuthError({
    code: 'network',
    message: `${title} ${url} cannot be reached (${code}).`,
    hint,
    docs,
    retryable,
    cause: error,
  });
}

function serverOf({ name, docs, tokenUrl }: Endpoint): Server {
  return { title: `${name}'s token endpoint`, url: tokenUrl, docs };
}

interface NetworkCause {
  readonly codes: RegExp;
  readonly hint: string;
  /** Whether another attempt can succeed without a change of the configuration. */
  readonly retryable: boolean;
}

const ADD_CA =
  'set NODE_EXTRA_CA_CERTS to the PEM file of that CA, or pass a fetch that trusts it. A proxy that inspects TLS has its own CA.';

/** The causes of failed connections, by the codes of Node, OpenSSL and undici. The first match counts. */
const NETWORK_CAUSES: readonly NetworkCause[] = [
  {
    codes: /^ERR_TLS_CERT_ALTNAME_INVALID$/,
    hint: 'Its certificate is for another host name: check the host name of the address, and whether DNS or a proxy leads to another server. A CA certificate does not help.',
    retryable: false,
  },
  {
    codes: /^(?:CERT_HAS_EXPIRED|CERT_NOT_YET_VALID)$/,
    hint: 'Its certificate is not valid at this time: check the clock of this machine (NTP). If the clock is right, the server or a proxy needs a new certificate.',
    retryable: false,
  },
  {
    codes: /SELF_SIGNED/,
    hint: `Its certificate is signed by a CA that this process does not trust: ${ADD_CA}`,
    retryable: false,
  },
  {
    codes: /^UNABLE_TO_(?:VERIFY|GET_ISSUER)/,
    hint: `The CA of its certificate is unknown, or the server omits an intermediate certificate: ${ADD_CA}`,
    retryable: false,
  },
  {
    codes: /CERT/,
    hint: `Its certificate is not trusted. If it is from a private CA, ${ADD_CA}`,
    retryable: false,
  },
  {
    codes: /^(?:EPROTO|ERR_SSL_\w+)$/,
    hint: 'The TLS handshake failed: check that the address has the right port and protocol (https, not http), and whether a proxy uses plain http or an old version of TLS.',
    retryable: true,
  },
  {
    codes: /^ENOTFOUND$/,
    hint: 'DNS does not know the host name: check its spelling. In a network without DNS for the internet, pass a fetch that uses the proxy.',
    retryable: true,
  },
  {
    codes: /^EAI_/,
    hint: 'DNS gave no result: check that this machine or container can reach its DNS server.',
    retryable: true,
  },
  {
    codes: /^(?:ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|UND_ERR_CONNECT_TIMEOUT)$/,
    hint: 'No connection could be made: check whether a firewall blocks this machine. If it must use a proxy, pass a fetch that does.',
    retryable: true,
  },
  {
    codes: /^UND_ERR_(?:HEADERS|BODY)_TIMEOUT$/,
    hint: 'The connection was made, but no response came within the timeout of the fetch: check that timeout, and the status page of the service.',
    retryable: true,
  },
  {
    codes: /^(?:ECONNRESET|EPIPE|UND_ERR_SOCKET)$/,
    hint: 'The connection was closed before a response arrived: if this lasts, look for a proxy or firewall that closes connections.',
    retryable: true,
  },
  {
    codes: /^ECONNREFUSED$/,
    hint: 'Nothing listens at this host and port, or a firewall refuses the connection: check both. Start an emulator or a proxy on this machine first. In a container, localhost is the container itself.',
    retryable: true,
  },
];

const UNKNOWN_CAUSE: Omit<NetworkCause, 'codes'> = {
  hint: 'Check the outgoing connections of this network: proxy, firewall, DNS.',
  retryable: true,
};
