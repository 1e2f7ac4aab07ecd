import type { AxiosAdapter, InternalAxiosRequestConfig } from 'axios';
import { AxiosHeaders } from 'axios';
import { beforeEach, describe, expect, it } from 'vitest';
import { WrappedAdapters } from '../../lib/axios/wrapped-adapters.js';

type Option = InternalAxiosRequestConfig['adapter'];

let wrapped: Option[];
let adapters: WrappedAdapters;
beforeEach(() => {
  wrapped = [];
  adapters = new WrappedAdapters((option) => {
    wrapped.push(option);
    return async (config) => ({ data: 'sent', status: 200, statusText: '', headers: {}, config });
  });
});

function installed(option?: Option): InternalAxiosRequestConfig & { adapter: AxiosAdapter } {
  const config: InternalAxiosRequestConfig = { headers: new AxiosHeaders() };
  if (option !== undefined) config.adapter = option;
  adapters.install(config);
  if (typeof config.adapter !== 'function') throw new Error('no adapter was installed');
  return { ...config, adapter: config.adapter };
}

async function send(config: ReturnType<typeof installed>) {
  return config.adapter(config);
}

const own: AxiosAdapter = async (config) => ({
  data: 'own',
  status: 200,
  statusText: '',
  headers: {},
  config,
});

describe('The option `adapter` of a sent call', () => {
  it.each([
    ['a function', own],
    ['a name', 'http'],
    ['names', ['xhr', 'http', 'fetch']],
    ['names and functions', ['xhr', own]],
  ] as [string, Option][])('is what the caller passed: %s', async (_, option) => {
    const config = installed(option);
    expect(config.adapter).not.toBe(option);
    expect(await send(config)).toMatchObject({ data: 'sent' });
    expect(config.adapter).toEqual(option);
    expect(wrapped).toEqual([option]);
  });

  it('is missing if the caller passed none', async () => {
    const config = installed();
    await send(config);
    expect(Object.keys(config)).not.toContain('adapter');
  });

  it('is not the list of the caller, which the app may change', async () => {
    const names = ['xhr', 'http'];
    const config = installed(names);
    await send(config);
    expect(config.adapter).not.toBe(names);
  });
});

describe('A config that failed before it was sent', () => {
  it('is not wrapped twice', () => {
    const first = installed(own);
    const again = installed(first.adapter);
    expect(again.adapter).toBe(first.adapter);
    expect(wrapped).toEqual([own]);
  });

  it('of another instance is wrapped with the option that the caller passed', () => {
    const other = new WrappedAdapters((option) => {
      wrapped.push(option);
      return own;
    });
    const config = installed(own);
    other.install(config);
    expect(wrapped).toEqual([own, own]);
  });
});

describe('A wrapped adapter', () => {
  it('is shared by calls with the same option, and by equal lists of names', () => {
    const all = [undefined, own, 'http', ['xhr', 'http']] as Option[];
    const first = all.map((option) => installed(option).adapter);
    const copies = [undefined, own, 'http', ['xhr', 'http']] as Option[];
    expect(copies.map((option) => installed(option).adapter)).toEqual(first);
    expect(new Set(first).size).toBe(4);
    expect(wrapped).toHaveLength(4);
  });

  it('is created each time for a list with a function', () => {
    const list = () => ['xhr', own] as Option;
    expect(installed(list()).adapter).not.toBe(installed(list()).adapter);
  });

  it('is kept for eight options, so that functions made for each call fill no memory', () => {
    const options = Array.from({ length: 9 }, (_, index): AxiosAdapter => async (config) => ({
      ...(await own(config)),
      data: index,
    }));
    const first = options.map((option) => installed(option).adapter);
    const second = options.map((option) => installed(option).adapter);
    expect(second.slice(0, 8)).toEqual(first.slice(0, 8));
    expect(second[8]).not.toBe(first[8]);
    expect(wrapped).toHaveLength(10);
  });
});
