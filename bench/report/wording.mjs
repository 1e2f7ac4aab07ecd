/**
 * @param {number} value
 * @param {import('../row.js').Unit} unit
 */
export function asText(value, unit) {
  const digits = unit === 'count' || Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2;
  const number = value.toLocaleString('en-US', {
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  });
  if (unit === 'count') return number;
  return unit === 'x' || unit === '/s' ? `${number}${unit}` : `${number} ${unit}`;
}

/** @param {import('../measure/targets.mjs').Verdict} verdict */
export function verdictText({ isMet }) {
  return isMet ? 'met  ' : 'SHORT';
}

/**
 * "getToken, ESM: time 81 ns, at most 150 ns"
 *
 * @param {import('../measure/targets.mjs').Verdict} verdict
 * @param {import('../row.js').Row} row
 */
export function targetText({ target, value }, row) {
  const { subject, figure, over, minus, atMost, atLeast, exactly } = target;
  const unit = over === undefined ? (row.units[figure] ?? 'count') : 'x';
  const relation =
    over !== undefined ? ` over ${over}` : minus !== undefined ? ` more than ${minus}` : '';
  const bounds = [
    atMost === undefined ? [] : `at most ${asText(atMost, unit)}`,
    atLeast === undefined ? [] : `at least ${asText(atLeast, unit)}`,
    exactly === undefined ? [] : `exactly ${asText(exactly, unit)}`,
  ].flat();
  return `${subject}: ${figure} ${asText(value, unit)}${relation}, ${bounds.join(', ')}`;
}
