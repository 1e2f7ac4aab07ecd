import type { InternalAxiosRequestConfig } from 'axios';

type Config = InternalAxiosRequestConfig;

/** Sets fields of a config. Returns a function that restores them: responses and errors expose the config. */
export function changeFields(config: Config, fields: Partial<Config>): () => void {
  const names = Object.keys(fields);
  const former = names.map(
    (name) => [name, Reflect.getOwnPropertyDescriptor(config, name)] as const,
  );
  Object.assign(config, fields);
  return () => {
    for (const [name, descriptor] of former) {
      if (descriptor === undefined) Reflect.deleteProperty(config, name);
      else Reflect.defineProperty(config, name, descriptor);
    }
  };
}

/**
 * Sets headers instead of all entries with their names, which the caller set to values that axios does not send: these would
 * keep ours from being sent. Returns a function that restores the entries: an app that retries with the config would appear
 * to have set our headers itself.
 */
export function changeHeaders(
  headers: Config['headers'],
  added: Readonly<Record<string, string>>,
): () => void {
  const names = new Set(Object.keys(added).map((name) => name.toLowerCase()));
  const former = Object.entries(headers).filter(([key]) => names.has(headerName(key)));
  for (const [key] of former) delete headers[key];
  headers.set(added);
  return () => {
    for (const name of names) headers.delete(name);
    Object.assign(headers, Object.fromEntries(former));
  };
}

/** axios trims the names of headers, and ignores their case. */
export function headerName(key: string): string {
  return key.trim().toLowerCase();
}
