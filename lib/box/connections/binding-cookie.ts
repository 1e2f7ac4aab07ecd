import { randomBytes } from 'node:crypto';

const BYTES = 32;
const VALUE = /^[\w-]{43}$/;
const MAX_AGE_S = 3_600;

/**
 * The cookie that binds a sign-in to the browser that began it. Browsers send it with the redirect from Box, because it is
 * `SameSite=Lax`; `__Host-` keeps other hosts of the domain from setting it. On loopback the app may use plain http, where browsers
 * accept neither `Secure` nor `__Host-`.
 */
export class BindingCookie {
  readonly #name: string;
  readonly #attributes: string;

  constructor(redirectUri: string) {
    const isSecure = new URL(redirectUri).protocol === 'https:';
    this.#name = isSecure ? '__Host-box-connect' : 'box-connect';
    this.#attributes = `Max-Age=${MAX_AGE_S}; Path=/; HttpOnly; SameSite=Lax${isSecure ? '; Secure' : ''}`;
  }

  /** The binding in a `cookie` header; undefined without a valid one. */
  read(header: string | undefined): string | undefined {
    for (const pair of (header ?? '').split(';')) {
      const [name, value = ''] = pair.trim().split('=', 2);
      if (name === this.#name && VALUE.test(value)) return value;
    }
    return undefined;
  }

  /** A new binding. A browser keeps the one that it has: sign-ins in two of its tabs do not disturb each other. */
  create(): string {
    return randomBytes(BYTES).toString('base64url');
  }

  /** The `set-cookie` header. */
  write(binding: string): string {
    return `${this.#name}=${binding}; ${this.#attributes}`;
  }
}
