import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

/** @type {Record<string, { type: 'module' | 'commonjs', names: readonly string[] }>} */
const programs = {
  'Nest, ESM': { type: 'module', names: [] },
  'Nest and ours, ESM': { type: 'module', names: ['nestjs-box-auth'] },
  'Nest and box-node-sdk, ESM': { type: 'module', names: ['box-node-sdk'] },
  'Nest and google-auth-library': { type: 'module', names: ['google-auth-library'] },
  'Nest, CommonJS': { type: 'commonjs', names: [] },
  'Nest and ours, CommonJS': { type: 'commonjs', names: ['nestjs-box-auth'] },
  'Nest and box-node-sdk, CommonJS': { type: 'commonjs', names: ['box-node-sdk'] },
};

/** @type {import('../row.js').Row} */
export const row = {
  title: 'What an import adds to @nestjs/common and @nestjs/core: a program that does nothing else',
  subjects: Object.keys(programs),
  units: { time: 'ms', memory: 'MiB' },
  rounds: 15,
  targets: ['ESM', 'CommonJS'].flatMap((build) => [
    {
      subject: `Nest and ours, ${build}`,
      figure: 'time',
      minus: `Nest, ${build}`,
      atMost: 15,
    },
    {
      subject: `Nest and ours, ${build}`,
      figure: 'memory',
      minus: `Nest, ${build}`,
      atMost: 5,
    },
  ]),
  async measure(subject) {
    const program = programs[subject];
    if (program === undefined) throw new Error('unknown subject');
    const { type, names } = program;
    const all = ['reflect-metadata', '@nestjs/common', '@nestjs/core', ...names];
    const source = `${all.map((name) => loadText(type, name)).join('')}
      console.log(JSON.stringify([performance.now(), process.memoryUsage.rss() / 2 ** 20]));`;
    const { stdout } = await promisify(execFile)(
      process.execPath,
      [`--input-type=${type}`, '--eval', source],
      { cwd: new URL('../', import.meta.url) },
    );
    /** @type {[number, number]} */
    const [time, memory] = JSON.parse(stdout);
    return { time, memory };
  },
};

/**
 * @param {'module' | 'commonjs'} type
 * @param {string} name
 */
function loadText(type, name) {
  return type === 'module' ? `await import('${name}');` : `require('${name}');`;
}
