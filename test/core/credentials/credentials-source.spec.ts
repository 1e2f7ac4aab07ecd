import { describe, expect, it } from 'vitest';
import { BoxAuthError } from 'nestjs-box-auth';
import type {
  CredentialsHelp,
  FieldNames,
} from '../../../lib/core/credentials/credentials-errors.js';
import {
  type CredentialsOption,
  CredentialsSource,
} from '../../../lib/core/credentials/credentials-source.js';
import { thrownBy } from '../../support/thrown.js';

interface Form {
  readonly id: string;
}
const advice = { hint: 'the hint', docs: 'https://example.com/credentials' };
const help: CredentialsHelp = {
  ...advice,
  issuer: 'Issuer',
  newKey: 'keygen',
  passphraseVariable: 'PASSPHRASE',
};
const parse = ({ id }: Form, names: FieldNames) => ({
  subject: { type: 'enterprise', id } as const,
  fingerprint: names.whole,
});
const source = (option: CredentialsOption<Form>) => new CredentialsSource(option, parse, help);

describe('Fixed credentials', () => {
  it('are parsed once, at once', async () => {
    const fixed = source({ id: '1' });
    expect(fixed.subject).toEqual({ type: 'enterprise', id: '1' });
    expect(fixed.isFunction).toBe(false);
    expect(await fixed.read()).toBe(await fixed.read());
    expect(await fixed.read()).toMatchObject([{ fingerprint: 'credentials' }]);
  });

  it('may be a list of keys of one subject', async () => {
    const keys = await source([{ id: '1' }, { id: '1' }]).read();
    expect(keys.map(({ fingerprint }) => fingerprint)).toEqual([
      'credentials[0]',
      'credentials[1]',
    ]);
  });

  it('may not be an empty list', async () => {
    expect(await thrownBy(() => source([]))).toMatchObject({
      code: 'config_invalid',
      message:
        'Invalid credentials: expected one or more key pairs or tokens, received an empty list.',
      ...advice,
    });
  });

  it.each([
    [1, ['1', '2', '1']],
    [2, ['1', '1', '2']],
  ])('may not be a list in which entry %i has another subject', async (index, ids) => {
    const error = await thrownBy(() => source(ids.map((id) => ({ id }))));
    expect(error).toMatchObject({ code: 'config_invalid', ...advice });
    expect(error.message).toContain(
      `Invalid credentials[${index}]: expected the subject of credentials[0], received another subject.`,
    );
  });

  it('report an error of a getter', async () => {
    const hostile = Object.defineProperty({}, 'id', {
      get: () => {
        throw new Error('no');
      },
    }) as Form;
    expect(await thrownBy(() => source(hostile))).toMatchObject({
      code: 'config_invalid',
      message: 'Reading the fields of the credentials failed.',
      cause: { message: 'no' },
    });
  });
});

describe('A function that returns credentials', () => {
  it('is called at every read', async () => {
    const ids = ['1', '2'];
    const loaded = source(() => ({ id: ids.shift() ?? '' }));
    expect(loaded.subject).toBeUndefined();
    expect(loaded.isFunction).toBe(true);
    await loaded.read();
    expect(loaded.subject?.id).toBe('1');
    await loaded.read();
    expect(loaded.subject?.id).toBe('2');
  });

  it('may return correct credentials later: its errors are retryable', async () => {
    const invalid = new BoxAuthError({
      code: 'key_invalid',
      message: 'bad',
      hint: 'h',
      docs: 'd',
    });
    const results = [[], [{ id: '1' }]];
    const loaded = source(() => results.shift() ?? []);
    expect(await thrownBy(() => loaded.read())).toMatchObject({
      code: 'config_invalid',
      retryable: true,
      ...advice,
    });
    expect(await loaded.read()).toHaveLength(1);
    const unreadable = new CredentialsSource<Form, ReturnType<typeof parse>>(
      () => ({ id: '1' }),
      () => {
        throw invalid;
      },
      help,
    );
    expect(await thrownBy(() => unreadable.read())).toMatchObject({
      code: 'key_invalid',
      message: 'bad',
      retryable: true,
    });
  });

  it.each<[string, () => Form, string]>([
    ['nothing', () => undefined as unknown as Form, 'it returned undefined'],
    [
      'no result, but throws',
      () => {
        throw new Error('the vault is sealed');
      },
      'the vault is sealed',
    ],
  ])('is reported as unavailable if it returns %s', async (_, load, message) => {
    expect(await thrownBy(() => source(load).read())).toMatchObject({
      code: 'credentials_unavailable',
      docs: help.docs,
      cause: { message },
    });
  });
});
