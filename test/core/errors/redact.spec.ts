import { inspect } from 'node:util';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { redact, sanitizedCause, withoutSecrets } from '../../../lib/core/errors/redact.js';

describe('redact', () => {
  it.each([
    ['-----BEGIN KEY-----\nab\ncd\n-----END KEY----- after', '[redacted] after'],
    ['before -----BEGIN RSA KEY-----\nab\ncd', 'before [redacted]'],
    ['Authorization: Bearer abc, basic \t def.', 'Authorization: [redacted] [redacted]'],
    ['mybearer abc', 'mybearer abc'],
    ['client_secret=abc&x=1', '[redacted]&x=1'],
    ['{"access_token": "abc", "a": 1}', '{"[redacted]", "a": 1}'],
    ["passphrase='abc' token:abc PASSWORD = abc", "[redacted]' [redacted] [redacted]"],
    ['assertion is missing', 'assertion is missing'],
    ['redis://user:abc@localhost', 'redis://[redacted]@localhost'],
    ['mail@example.com', 'mail@example.com'],
    ['id abcdefghij0123456789 end', 'id [redacted] end'],
    ['id abcdefghij012345678 end', 'id abcdefghij012345678 end'],
    ['jwt eyJhbGciOiJSUzI1NiJ9.e30.c2ln end', 'jwt [redacted] end'],
    ['access_denied_insufficient_permissions', 'access_denied_insufficient_permissions'],
  ])('turns %j into %j', (text, shown) => {
    expect(redact(text)).toBe(shown);
  });

  it('replaces runs of control and direction characters by one space, and trims', () => {
    expect(redact('\n a\r\n\u001B[31mb\u202E\u2028c\u2029\u0000 ')).toBe('a [31mb c');
  });

  it('cuts a text that is longer than the limit, and marks the cut', () => {
    expect(redact('ab '.repeat(4), [], 11)).toBe('ab ab ab ab');
    expect(redact('ab '.repeat(5), [], 11)).toBe('ab ab ab ab…');
    expect(redact('ab '.repeat(200))).toHaveLength(301);
  });

  it('looks at the first 4000 characters only', () => {
    const text = `${' '.repeat(3_998)}abc`;
    expect(redact(text)).toBe('ab');
  });
});

describe('withoutSecrets', () => {
  it.each([
    ['the secret12 and secret12x', ['secret12'], 'the [redacted] and [redacted]x'],
    ['secret1 secret1x xsecret1 _secret1', ['secret1'], '[redacted] secret1x xsecret1 _secret1'],
    ['ab,ab.ab', ['ab'], '[redacted],[redacted].[redacted]'],
    ['abab ab', ['ab'], '[redacted][redacted] [redacted]'],
    ['a-b', ['a', 'b'], '[redacted]-[redacted]'],
    ['nothing', ['', 'x'], 'nothing'],
    ['', ['secret12'], ''],
  ])('of %j, with %j, is %j', (text, secrets, shown) => {
    expect(withoutSecrets(text, secrets)).toBe(shown);
  });
});

describe('sanitizedCause', () => {
  it('copies name, message and code, without the known secrets and without the stack', () => {
    const thrown = Object.assign(new TypeError('no s3cret12 here'), { code: 'E_s3cret12' });
    const copy = sanitizedCause(thrown, ['s3cret12']);
    expect(copy).not.toBe(thrown);
    expect(copy).toMatchObject({
      name: 'TypeError',
      message: 'no [redacted] here',
      code: 'E_[redacted]',
      stack: 'TypeError: no [redacted] here',
    });
    expect(Object.keys(copy)).toContain('code');
    expect(copy).not.toHaveProperty('cause');
  });

  it('cuts a long name and a long code at 60 characters', () => {
    const thrown = Object.assign(new Error('x'), { name: 'n '.repeat(40), code: 'c '.repeat(40) });
    const { name, code } = sanitizedCause(thrown) as Error & { code: string };
    expect(name).toHaveLength(61);
    expect(code).toHaveLength(61);
  });

  it.each([
    ['ERR_OSSL_UNSUPPORTED_PRF_OR_CIPHER', 'ERR_OSSL_UNSUPPORTED_PRF_OR_CIPHER'],
    ['ERR_ABCDEFGHIJKLMNOPQRSTUVWXYZ0123', '[redacted]'],
    ['xERR_OSSL_UNSUPPORTED_PRF_OR_CIPHER', '[redacted]'],
    ['ERR_OSSL_UNSUPPORTED_PRF_OR_CIPHERx', '[redacted]'],
    [`ERR${'_ABCDEFGHIJ'.repeat(6)}`, '[redacted]'],
  ])('shows the code %s as %s', (code, shown) => {
    expect(sanitizedCause(Object.assign(new Error('x'), { code }))).toHaveProperty('code', shown);
  });

  it.each([
    ['text', 'text'],
    [42, 'a value of type number was thrown'],
    [undefined, 'a value of type undefined was thrown'],
    [{ message: 'not an error' }, 'a value of type object was thrown'],
    [new Proxy(new Error('x'), {}), 'a value of type object was thrown'],
  ])('describes %o, which is not an Error', (thrown, message) => {
    expect(sanitizedCause(thrown)).toMatchObject({ name: 'Error', message });
  });

  it('copies an Error of another realm, and an object that only inherits from Error', () => {
    expect(sanitizedCause(runInNewContext('new TypeError("there")'))).toMatchObject({
      name: 'TypeError',
      message: 'there',
    });
    const inherited = Object.assign(Object.create(Error.prototype) as Error, { message: 'here' });
    expect(sanitizedCause(inherited).message).toBe('here');
  });

  it('copies two levels of causes', () => {
    const error = new Error('1', {
      cause: new Error('2', { cause: new Error('3', { cause: new Error('4') }) }),
    });
    const shown = inspect(sanitizedCause(error));
    expect(shown).toContain('3');
    expect(shown).not.toContain('4');
  });

  it('leaves out properties that are not strings or that throw', () => {
    const thrown = Object.defineProperties(new Error('x'), {
      message: { value: 1 },
      code: {
        get: () => {
          throw new Error('getter');
        },
      },
    });
    const copy = sanitizedCause(thrown);
    expect(copy.message).toBe('');
    expect(copy).not.toHaveProperty('code');
  });
});
