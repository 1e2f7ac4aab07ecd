import type { ExecutionContext, Type } from '@nestjs/common';
import { boxDocs } from '../box/box-docs.js';
import { BoxAuthError } from '../core/errors/box-auth.error.js';
import {
  type ActingRule,
  type ConnectedRule,
  type EnterpriseRule,
  SetActingRule,
  SetConnectedRule,
  SetEnterpriseRule,
} from './acting-rule.js';

export type Handler = ReturnType<ExecutionContext['getHandler']>;

/** The values of the decorators of a handler or its controller. With a connection, the other two are undefined. */
export interface Rules {
  readonly acting: ActingRule | undefined;
  readonly enterprise: EnterpriseRule | undefined;
  readonly connected: ConnectedRule | undefined;
}

/** A decorator that was found. */
interface Found<T> {
  readonly rule: T | undefined;
  /** 0 on the handler, 1 on its class, more on the base classes; infinite without the decorator. */
  readonly distance: number;
}

/**
 * The rules of a handler, or of a class without one. A decorator of the handler replaces the same one of its class, and
 * `@AsConnectedUser` and `@AsUser` replace each other.
 *
 * @throws BoxAuthError `option_invalid` if it is unclear whose token calls carry
 */
export function rulesOf(owner: Type, handler?: Handler): Rules {
  const targets = [handler, ...classesOf(owner)];
  const acting = find<ActingRule>(SetActingRule.KEY, targets);
  const enterprise = find<EnterpriseRule>(SetEnterpriseRule.KEY, targets);
  const connected = find<ConnectedRule>(SetConnectedRule.KEY, targets);
  const name = handler === undefined ? owner.name : `${owner.name}.${handler.name}`;
  if (connected.rule !== undefined) {
    const { distance } = connected;
    if (acting.distance === distance) {
      throw clash(`${name} has @AsConnectedUser next to ${nameOf(acting.rule)}`);
    }
    if (enterprise.distance === distance) {
      throw clash(`${name} has @AsConnectedUser next to @ForEnterprise`);
    }
    if (acting.distance > distance) {
      if (enterprise.distance > distance) {
        return { acting: undefined, enterprise: undefined, connected: connected.rule };
      }
      throw clash(`${name} has @ForEnterprise, but its class has @AsConnectedUser`);
    }
  }
  return { acting: acting.rule, enterprise: enterprise.rule, connected: undefined };
}

/** A class and its base classes, whose decorators it inherits. */
function classesOf(owner: object): readonly object[] {
  const classes: object[] = [];
  let next: unknown = owner;
  while (typeof next === 'function' && next !== Function.prototype) {
    classes.push(next);
    next = Object.getPrototypeOf(next);
  }
  return classes;
}

function find<T>(key: string, targets: readonly (object | undefined)[]): Found<T> {
  const distance = targets.findIndex(
    (target) => target !== undefined && Reflect.hasOwnMetadata(key, target),
  );
  const target = targets[distance];
  if (target === undefined) return { rule: undefined, distance: Infinity };
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- only this package has the key
  return { rule: Reflect.getOwnMetadata(key, target) as T, distance };
}

function nameOf(rule: ActingRule | undefined): string {
  return rule?.as === 'service-account' ? '@AsServiceAccount' : '@AsUser';
}

function clash(problem: string): BoxAuthError {
  return new BoxAuthError({
    code: 'option_invalid',
    message: `${problem}, so it is unclear whose token its Box calls carry.`,
    hint: 'Remove one of the decorators. To replace @AsConnectedUser of a class on one handler, give the handler @AsUser or @AsServiceAccount.',
    docs: boxDocs.oauth,
  });
}
