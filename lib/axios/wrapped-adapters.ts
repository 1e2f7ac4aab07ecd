import type { AxiosAdapter, InternalAxiosRequestConfig } from 'axios';

type Config = InternalAxiosRequestConfig;
type AdapterOption = Config['adapter'];

const MAX_CACHED_ADAPTERS = 8;

/** The option that each wrapped adapter replaced. A config that failed early still has the wrapped one. */
const replacedOptions = new WeakMap<object, AdapterOption>();

/**
 * Wraps the adapter of a config, and puts the option back once the call is sent: the app may log the config, or send it
 * again with any instance.
 */
export class WrappedAdapters {
  // Most calls use the adapter of the instance. A list of names is a new array in each config.
  readonly #cache = new Map<unknown, AxiosAdapter>();

  constructor(private readonly wrap: (option: AdapterOption) => AxiosAdapter) {}

  install(config: Config): void {
    const option = unwrapped(config.adapter);
    const key = isNameList(option) ? option.join() : option;
    const cached = this.#cache.get(key);
    config.adapter = cached ?? this.#create(option);
    if (cached === undefined && this.#cache.size < MAX_CACHED_ADAPTERS)
      this.#cache.set(key, config.adapter);
  }

  #create(option: AdapterOption): AxiosAdapter {
    const send = this.wrap(option);
    const adapter: AxiosAdapter = (config) => {
      if (option === undefined) delete config.adapter;
      else config.adapter = Array.isArray(option) ? [...option] : option;
      return send(config);
    };
    replacedOptions.set(adapter, option);
    return adapter;
  }
}

function unwrapped(option: AdapterOption): AdapterOption {
  return typeof option === 'function' && replacedOptions.has(option)
    ? replacedOptions.get(option)
    : option;
}

function isNameList(option: AdapterOption): option is string[] {
  return Array.isArray(option) && option.every((each) => typeof each === 'string');
}
