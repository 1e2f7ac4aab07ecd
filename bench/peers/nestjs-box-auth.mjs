import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);

/**
 * The package under test, through an entry point that needs no Nest.
 *
 * @param {import('../row.js').Stage} stage
 * @param {string} apiUrl
 * @param {Partial<import('nestjs-box-auth/express').BoxAuthExpressOptions>} [options]
 */
export async function openBoxAuth({ config }, apiUrl, options) {
  const { boxAuth } = await import('nestjs-box-auth/express');
  return boxAuth({ credentials: { config }, apiUrl, ...options }).provider;
}

/**
 * The same from the CommonJS build.
 *
 * @param {import('../row.js').Stage} stage
 * @param {string} apiUrl
 */
export function requireBoxAuth({ config }, apiUrl) {
  /** @type {typeof import('nestjs-box-auth/express')} */
  const { boxAuth } = require('nestjs-box-auth/express');
  return boxAuth({ credentials: { config }, apiUrl }).provider;
}
