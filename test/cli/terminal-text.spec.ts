import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { abbreviated, printable, formatDuration } from '../../lib/cli/terminal-text.js';
import { anyText } from '../support/any-text.js';

describe('printable', () => {
  it('removes control characters, formatting characters and secrets', () => {
    fc.assert(
      fc.property(anyText(), fc.stringMatching(/^[!-~]{8,40}$/), (text, secret) => {
        const shown = printable(`${text}${secret}${text}`, ['', secret]);
        expect(shown).not.toMatch(/[\p{Cc}\p{Cf}]/u);
        expect(shown).not.toContain(secret);
        expect(shown.length).toBeLessThanOrEqual(201);
      }),
    );
  });

  it.each(['\u202E', '\u200B', '\u001B', '\u009B', '\u2028', '\n'])(
    'has a space instead of %j',
    (character) => expect(printable(`a${character}${character}b`)).toBe('a b'),
  );

  it('leaves other text unchanged', () => {
    for (const name of ['Élodie O’Hara', '田中 花子', 'AutomationUser_1_abc@boxdevedition.com']) {
      expect(printable(name)).toBe(name);
    }
  });

  it('shortens long text', () => {
    expect(printable('a'.repeat(201))).toBe(`${'a'.repeat(200)}…`);
  });
});

describe('abbreviated', () => {
  it('keeps only the first characters of an id', () => {
    expect(abbreviated('abcdefgh')).toBe('abcd… (8 characters)');
  });
});

describe('formatDuration', () => {
  it.each([
    [0, '0 s'],
    [499, '0 s'],
    [-1_400, '1 s'],
    [59_999, '1 min'],
    [300_000, '5 min'],
    [302_000, '5 min 2 s'],
    [3_600_000, '1 h'],
    [90_061_000, '1 d 1 h 1 min 1 s'],
  ])('formats %d ms as %s', (ms, expected) => expect(formatDuration(ms)).toBe(expected));
});
