import type { ConnectionRow, StateRow } from '../core/connections/connection-vault.js';
import { BoxAuthError } from '../core/errors/box-auth.error.js';
import type { SqlRow } from './sql-database.js';
import type { SqlDialect } from './table-names.js';

/** U+0000 and lone surrogates: some databases reject them, others store two texts as the same. */
// oxlint-disable-next-line no-control-regex -- it is the character to find
const UNSUPPORTED = /[\0\p{Surrogate}]/u;

/**
 * The parameter for a text column of a key. In MySQL, these columns contain bytes, so that the character set of the database
 * connection does not matter.
 *
 * @throws BoxAuthError `option_invalid`
 */
export function keyText(text: string, dialect: SqlDialect): string | Buffer {
  if (UNSUPPORTED.test(text)) {
    throw new BoxAuthError({
      code: 'option_invalid',
      message: 'Invalid text in the key of a connection: it has U+0000 or a lone surrogate.',
      hint: 'Fix the owner or label that the app passes.',
      docs: 'https://www.unicode.org/glossary/#surrogate_code_point',
    });
  }
  return dialect === 'mysql' ? Buffer.from(text) : text;
}

export function connectionRowOf(row: SqlRow): ConnectionRow {
  return {
    app: textOf(row['app']),
    owner: textOf(row['owner']),
    label: textOf(row['label']),
    version: Number(row['version']),
    status: textOf(row['status']) === 'active' ? 'active' : 'reauthorization_required',
    refreshedAt: Number(row['refreshed_at']),
    keyId: textOf(row['key_id']),
    sealed: textOf(row['sealed']),
  };
}

export function stateRowOf(row: SqlRow): StateRow {
  return {
    app: textOf(row['app']),
    hash: textOf(row['hash']),
    expiresAt: Number(row['expires_at']),
    sealed: textOf(row['sealed']),
  };
}

/** Drivers return binary columns as bytes, unless the app has configured them otherwise. */
function textOf(value: unknown): string {
  return value instanceof Uint8Array ? Buffer.from(value).toString() : String(value);
}
