import { type Command, InvalidArgumentError, Option } from 'commander';
import { connectionTables } from '../../sql/connection-tables.js';
import {
  isPrefix,
  isSchema,
  PREFIX_FORM,
  SCHEMA_FORM,
  SQL_DIALECTS,
  type SqlDialect,
  tableNames,
} from '../../sql/table-names.js';
import type { CliContext } from '../cli-context.js';

interface SqlOptions {
  readonly dialect: SqlDialect;
  readonly prefix?: string;
  readonly schema?: string;
}

/** Adds `connections sql`, which prints the statements of `migrateConnections()`. */
export function addConnections(program: Command, { stdout }: CliContext): void {
  const connections = program
    .command('connections')
    .summary('print the SQL of the tables for connections')
    .description("Commands for the connections of people's own accounts.");
  connections
    .command('sql')
    .summary('print the SQL that creates the tables of SqlConnectionVault')
    .description(
      'Prints the SQL that creates the tables of SqlConnectionVault, unless they exist. For apps whose tables are not created by migrateConnections().',
    )
    .addOption(
      new Option('--dialect <name>', `database: ${SQL_DIALECTS.join(', ')} (MariaDB: mysql)`)
        .argParser(dialect)
        .makeOptionMandatory(),
    )
    .option('--prefix <text>', 'beginning of the table names (default: box_)', prefix)
    .option('--schema <name>', 'schema of the tables (default: that of the connection)', schema)
    .action(({ dialect: name, ...options }: SqlOptions) => {
      const statements = connectionTables(name, tableNames(options));
      stdout.write(statements.map((statement) => `${statement};\n`).join('\n'));
    });
}

function dialect(text: string): SqlDialect {
  const known = SQL_DIALECTS.find((name) => name === text);
  if (known !== undefined) return known;
  throw new InvalidArgumentError(`Expected one of ${SQL_DIALECTS.join(', ')}.`);
}

function prefix(text: string): string {
  if (isPrefix(text)) return text;
  throw new InvalidArgumentError(`Expected ${PREFIX_FORM}.`);
}

function schema(text: string): string {
  if (isSchema(text)) return text;
  throw new InvalidArgumentError(`Expected ${SCHEMA_FORM}.`);
}
