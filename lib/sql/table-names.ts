import { BoxAuthError } from '../core/errors/box-auth.error.js';

/** The databases that `./sql` supports. MariaDB is `mysql`. */
export const SQL_DIALECTS = ['postgres', 'mysql', 'sqlite'] as const;

/** A database of `SQL_DIALECTS`. */
export type SqlDialect = (typeof SQL_DIALECTS)[number];

/** Where the tables of a {@link SqlConnectionVault} are. */
export interface ConnectionTablesOptions {
  /**
   * The beginning of the table names: letters of ASCII, digits and underscores, at most 32. Default `box_`, for
   * `box_connections` and `box_connection_states`.
   */
  readonly prefix?: string | undefined;
  /** The schema of the tables, in MySQL the database. Default: that of the database connection. */
  readonly schema?: string | undefined;
}

/** The names of the tables, as a database needs them: each is a path of identifiers. */
export interface TableNames {
  readonly prefix: string;
  readonly schema: readonly string[];
  readonly connections: readonly string[];
  readonly states: readonly string[];
}

export const PREFIX_FORM = 'at most 32 letters of ASCII, digits and underscores';
export const SCHEMA_FORM = '1 to 63 letters of ASCII, digits and underscores';

export function isPrefix(value: unknown): value is string {
  return typeof value === 'string' && /^[A-Za-z0-9_]{0,32}$/.test(value);
}

export function isSchema(value: unknown): value is string {
  return typeof value === 'string' && /^[A-Za-z0-9_]{1,63}$/.test(value);
}

/** @throws BoxAuthError `option_invalid` */
export function tableNames({ prefix = 'box_', schema }: ConnectionTablesOptions = {}): TableNames {
  if (!isPrefix(prefix)) throw optionInvalid('prefix', PREFIX_FORM);
  if (schema !== undefined && !isSchema(schema)) throw optionInvalid('schema', SCHEMA_FORM);
  const path = schema === undefined ? [] : [schema];
  return {
    prefix,
    schema: path,
    connections: [...path, `${prefix}connections`],
    states: [...path, `${prefix}connection_states`],
  };
}

export function optionInvalid(name: string, expected: string): BoxAuthError {
  return new BoxAuthError({
    code: 'option_invalid',
    message: `Invalid ${name} of the connection tables: expected ${expected}.`,
    hint: `Fix ${name} where SqlConnectionVault is created or migrateConnections() is called.`,
    docs: 'https://kysely.dev/docs/dialects',
  });
}
