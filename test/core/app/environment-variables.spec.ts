import { describe, expect, it } from 'vitest';
import { parseVariable, readVariable } from '../../../lib/core/app/environment-variables.js';
import { secureUrl } from '../../../lib/core/app/option-checks.js';
import { thrownBy } from '../../support/thrown.js';

describe('readVariable', () => {
  it.each([
    ['a value', 'value', 'value'],
    ['a quoted value, without the quotes', ' "value" ', 'value'],
    ['a value in single quotes, without the quotes', "'value'", 'value'],
    ['a value with one quote', '"value', '"value'],
    ['a blank value as unset', '  ', undefined],
    ['a quoted blank value as unset', '" "', undefined],
    ['an unset variable', undefined, undefined],
  ])('reads %s', (_, value, expected) => {
    expect(readVariable({ NAME: value }, 'NAME')).toBe(expected);
  });
});

describe('parseVariable', () => {
  it('returns the parsed value', () => {
    expect(parseVariable(secureUrl, 'URL', 'https://example.com').host).toBe('example.com');
  });

  it('reports the name of the variable, not its value', async () => {
    const error = await thrownBy(() => parseVariable(secureUrl, 'URL', 'hunter2'));
    expect(error.code).toBe('option_invalid');
    expect(error.message).toBe(
      'Invalid environment variable URL: expected an absolute URL, with https:// before the host.',
    );
    expect(error.hint).toContain('URL');
    expect(JSON.stringify(error)).not.toContain('hunter2');
  });
});
