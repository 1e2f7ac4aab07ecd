import type { SqlDialect, TableNames } from './table-names.js';

/**
 * The statements that create the tables, unless they exist. Text columns of keys compare bytes: without case folding, without
 * ignored characters, and without the padding that makes 'a' equal to 'a ' in MySQL.
 */
export function connectionTables(dialect: SqlDialect, names: TableNames): readonly string[] {
  return statements[dialect](names);
}

const statements: Readonly<Record<SqlDialect, (names: TableNames) => readonly string[]>> = {
  postgres: (names) => {
    const { connections, states, prefix } = names;
    return [
      `create table if not exists ${quoted(connections)} (
  app text collate "C" not null,
  owner text collate "C" not null,
  label text collate "C" not null,
  version bigint not null,
  status text not null,
  refreshed_at bigint not null,
  key_id text collate "C" not null,
  sealed text not null,
  lease_holder text collate "C",
  lease_ends_at bigint,
  primary key (app, owner, label)
)`,
      `create index if not exists ${quoted([`${prefix}connections_idle`])}
  on ${quoted(connections)} (app, status, refreshed_at)`,
      `create index if not exists ${quoted([`${prefix}connections_key`])}
  on ${quoted(connections)} (app, key_id)`,
      `create table if not exists ${quoted(states)} (
  app text collate "C" not null,
  hash text collate "C" not null,
  expires_at bigint not null,
  sealed text not null,
  uses bigint not null default 0,
  primary key (app, hash)
)`,
      `create index if not exists ${quoted([`${prefix}connection_states_expiry`])}
  on ${quoted(states)} (expires_at)`,
    ];
  },

  // Four bytes a character. An index of InnoDB has at most 3,072 bytes.
  mysql: ({ connections, states, prefix }) => [
    `create table if not exists ${quoted(connections, '`')} (
  app varbinary(255) not null,
  owner varbinary(1020) not null,
  label varbinary(1020) not null,
  version bigint not null,
  status varchar(32) character set ascii not null,
  refreshed_at bigint not null,
  key_id varbinary(64) not null,
  sealed text character set ascii not null,
  lease_holder varbinary(255),
  lease_ends_at bigint,
  primary key (app, owner, label),
  key ${quoted([`${prefix}connections_idle`], '`')} (app, status, refreshed_at),
  key ${quoted([`${prefix}connections_key`], '`')} (app, key_id)
) engine = InnoDB row_format = dynamic`,
    `create table if not exists ${quoted(states, '`')} (
  app varbinary(255) not null,
  hash varbinary(64) not null,
  expires_at bigint not null,
  sealed text character set ascii not null,
  uses bigint not null default 0,
  primary key (app, hash),
  key ${quoted([`${prefix}connection_states_expiry`], '`')} (expires_at)
) engine = InnoDB row_format = dynamic`,
  ],

  sqlite: ({ connections, states, prefix, schema }) => [
    `create table if not exists ${quoted(connections)} (
  app text not null,
  owner text not null,
  label text not null,
  version integer not null,
  status text not null,
  refreshed_at integer not null,
  key_id text not null,
  sealed text not null,
  lease_holder text,
  lease_ends_at integer,
  primary key (app, owner, label)
)`,
    `create index if not exists ${quoted([...schema, `${prefix}connections_idle`])}
  on ${quoted(connections.slice(-1))} (app, status, refreshed_at)`,
    `create index if not exists ${quoted([...schema, `${prefix}connections_key`])}
  on ${quoted(connections.slice(-1))} (app, key_id)`,
    `create table if not exists ${quoted(states)} (
  app text not null,
  hash text not null,
  expires_at integer not null,
  sealed text not null,
  uses integer not null default 0,
  primary key (app, hash)
)`,
    `create index if not exists ${quoted([...schema, `${prefix}connection_states_expiry`])}
  on ${quoted(states.slice(-1))} (expires_at)`,
  ],
};

/** The names consist of letters, digits and underscores, so nothing has to be escaped. */
function quoted(path: readonly string[], quote = '"'): string {
  return path.map((name) => `${quote}${name}${quote}`).join('.');
}
