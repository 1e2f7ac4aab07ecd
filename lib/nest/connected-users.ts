import type { Type } from '@nestjs/common';
import { MetadataScanner, type ModulesContainer } from '@nestjs/core';
import { boxDocs } from '../box/box-docs.js';
import { providerReplacedError } from '../box/box-token.provider.js';
import { connectionsAppOf } from '../box/connections/app-of-connections.js';
import type { BoxConnections } from '../box/connections/box-connections.js';
import { BOX_CONNECTIONS, CONNECTIONS_MODULE } from '../box/nest/box-connections.tokens.js';
import type { ActingConnection } from '../core/acting/acting.context.js';
import { checkedLabel, checkedOwner } from '../core/connections/owner.js';
import { BoxAuthError } from '../core/errors/box-auth.error.js';
import { type ConnectedRule, SetConnectedRule } from './acting-rule.js';
import { type Handler, rulesOf } from './acting-rules.js';
import type { ModuleImport } from './auth-module.js';

/** The connections of the `BoxConnectionsModule` with this name. */
export function findConnections(
  modules: ModulesContainer,
  name: string | undefined,
): BoxConnections | undefined {
  for (const { providers } of modules.values()) {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- only this package provides the token
    const moduleImport = providers.get(CONNECTIONS_MODULE.importToken)?.instance as
      ModuleImport | undefined;
    if (moduleImport === undefined || moduleImport.name !== name) continue;
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- only this package provides the token
    return providers.get(BOX_CONNECTIONS)?.instance as BoxConnections | undefined;
  }
  return undefined;
}

/**
 * The connection of `owner`. Of connections that a test has replaced, only `getToken` is called.
 *
 * @throws BoxAuthError `owner_invalid`
 */
export function actingConnectionOf(
  connections: BoxConnections,
  owner: string,
  label: string | undefined,
): ActingConnection {
  if (connectionsAppOf(connections) !== undefined) {
    return connections.actingConnection(owner, label);
  }
  if (typeof connections.getToken !== 'function') throw providerReplacedError();
  const id = checkedOwner(owner);
  return {
    key: JSON.stringify([id, checkedLabel(label)]),
    peekFresh: () => undefined,
    peek: () => undefined,
    get: (demand) => connections.getToken(id, { ...demand, label }),
    replace: (_refused, demand) => connections.getToken(id, { ...demand, label }),
    invalidate: () => undefined,
  };
}

/** The apps that were checked: the interceptor exists once for each module. */
const checked = new WeakSet<ModulesContainer>();

/**
 * Checks at bootstrap that it is clear for each handler whose token its calls carry, and that `BoxConnectionsModule` is imported if
 * a handler needs it.
 *
 * @throws BoxAuthError `option_invalid`
 */
export function checkConnectedUsers(modules: ModulesContainer): void {
  if (checked.has(modules)) return;
  checked.add(modules);
  const types = [...modules.values()]
    .flatMap(({ controllers, providers }) => [controllers, providers])
    .flatMap((wrappers) => Array.from(wrappers.values(), ({ metatype }): unknown => metatype));
  for (const type of new Set(types)) {
    if (!isClass(type)) continue;
    for (const handler of [undefined, ...handlersOf(type)]) {
      // Without the decorator there is nothing to check.
      if (![type, handler].some(isDecorated)) continue;
      const { connected } = rulesOf(type, handler);
      if (connected !== undefined) requireConnections(modules, connected, type.name);
    }
  }
}

/** @throws BoxAuthError `option_invalid` */
export function requireConnections(
  modules: ModulesContainer,
  { connections: name }: ConnectedRule,
  decorated: string,
): BoxConnections {
  const found = findConnections(modules, name);
  if (found !== undefined) return found;
  const missing = name === undefined ? 'without a name' : `with the name ${JSON.stringify(name)}`;
  throw new BoxAuthError({
    code: 'option_invalid',
    message: `${decorated} has @AsConnectedUser, but no BoxConnectionsModule ${missing} is imported.`,
    hint: `Import BoxConnectionsModule.forRoot(…) of nestjs-box-auth/connections${name === undefined ? ', or name one of several in the option `connections` of @AsConnectedUser' : ' with this `name`'}.`,
    docs: boxDocs.oauth,
  });
}

const scanner = new MetadataScanner();

/** The methods of a class, inherited ones included. */
function handlersOf(type: Type): readonly Handler[] {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- isClass has checked it
  const prototype = type.prototype as object;
  return scanner
    .getAllMethodNames(prototype)
    .map((name): unknown => Reflect.get(prototype, name))
    .filter((method): method is Handler => typeof method === 'function');
}

function isDecorated(target: unknown): boolean {
  return typeof target === 'function' && Reflect.hasMetadata(SetConnectedRule.KEY, target);
}

function isClass(type: unknown): type is Type {
  if (typeof type !== 'function') return false;
  const prototype: unknown = type.prototype;
  return typeof prototype === 'object' && prototype !== null;
}
