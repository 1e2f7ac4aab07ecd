import type { InternalAxiosRequestConfig } from 'axios';

type Config = InternalAxiosRequestConfig;

/** Sets fields of a config. Returns a function that restores them: responses and errors expose the config. */
export function changeFields(config: Config, fields: Partial<Config>): () => void {
  const names = Object.keys(fields);
  const former: Partial<Config> = {};
  for (const name of names) {
    if (Object.hasOwn(config, name)) Reflect.set(former, name, Reflect.get(config, name));
  }
  Object.assign(config, fields);
  return () => {
    for (const name of names) {
      if (!Object.hasOwn(former, name)) Reflect.deleteProperty(config, name);
    }
    Object.assign(config, former);
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
  const names = Object.keys(added).map((name) => name.toLowerCase());
  const former = deleteNamed(headers, names);
  Object.assign(headers, added);
  return () => {
    deleteNamed(headers, names);
    Object.assign(headers, former);
  };
}

/** Returns the keys whose header has one of these names (lower case). axios trims names, and ignores their case. */
export function keysNamed(headers: Config['headers'], names: readonly string[]): readonly string[] {
  const found: string[] = [];
  for (const key of Object.keys(headers)) {
    if (names.includes(key.trim().toLowerCase())) found.push(key);
  }
  return found;
}

/** Deletes the headers with these names (lower case), and returns them. */
function deleteNamed(headers: Config['headers'], names: readonly string[]): object {
  const deleted: Record<string, unknown> = {};
  for (const key of keysNamed(headers, names)) {
    deleted[key] = headers[key];
    delete headers[key];
  }
  return deleted;
}
