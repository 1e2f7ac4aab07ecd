export function sizeOf(bytes = 0) {
  const unit = bytes < 1e3 ? 'byte' : bytes < 1e6 ? 'kilobyte' : 'megabyte';
  const value = bytes / { byte: 1, kilobyte: 1e3, megabyte: 1e6 }[unit];
  const unitDisplay = unit === 'byte' ? 'long' : 'short';
  const options = { style: 'unit', unit, unitDisplay, maximumFractionDigits: 1 };
  return new Intl.NumberFormat('en', options).format(value);
}

/** `40 s` or `50 min`. */
export function durationOf(ms) {
  const seconds = Math.max(Math.round(ms / 1000), 0);
  return seconds < 120 ? `${seconds} s` : `${Math.round(seconds / 60)} min`;
}

export const countOf = (count) => new Intl.NumberFormat('en').format(count);

/** `1 call` or `2 calls`. */
export const plural = (count, noun) => `${countOf(count)} ${noun}${count === 1 ? '' : 's'}`;

export const timeOf = (ms) => new Date(ms).toLocaleTimeString('en-GB');
