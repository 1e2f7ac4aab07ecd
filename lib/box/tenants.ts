import { type Acting, actingSubject, type TenantCheck } from '../core/acting/acting.context.js';
import { checkedSubject, enterpriseOf, type Subject } from '../core/credentials/subject.js';
import { checkOptions, optionError } from '../core/app/option-checks.js';
import { BoxAuthError } from '../core/errors/box-auth.error.js';
import { checkedActingUserId, describeValue } from './acting-user.js';
import { boxDocs } from './box-docs.js';
import { isBoxId } from './credentials/box-id.js';

/** The enterprises that an app serves: their ids, or a function that returns true for such an id. */
export type BoxTenants = readonly string[] | ((enterpriseId: string) => boolean | Promise<boolean>);

/** Checks which enterprises one app may call Box for. An app without the option `tenants` serves its own enterprise only. */
export class Tenants implements TenantCheck {
  readonly #ids: ReadonlySet<string> | undefined;
  readonly #isTenant: ((enterpriseId: string) => unknown) | undefined;
  /** The answers of the function by request or job, which asks once for each enterprise. */
  readonly #answers = new WeakMap<object, Map<string, Promise<void> | 'admitted'>>();

  constructor(
    tenants: BoxTenants | undefined,
    /** Whether calls without a tenant are refused. */
    readonly areRequired: boolean,
  ) {
    if (typeof tenants === 'function') this.#isTenant = tenants;
    else if (tenants !== undefined) this.#ids = new Set(tenants);
  }

  /** Whether the app has the option `tenants`. */
  get areConfigured(): boolean {
    return this.#ids !== undefined || this.#isTenant !== undefined;
  }

  admit(acting: Acting | undefined, own: Subject | undefined): Promise<void> | void {
    const enterprise = acting?.enterprise;
    if (acting === undefined || enterprise === undefined) {
      if (this.areRequired) throw enterpriseMissing('A call to Box names no enterprise.');
      return undefined;
    }
    if (this.#isTenant === undefined) return this.#checkListed(enterprise, own);
    const source = sourceOf(acting);
    const answers = this.#answers.get(source) ?? new Map<string, Promise<void> | 'admitted'>();
    const known = answers.get(enterprise);
    if (known !== undefined) return known === 'admitted' ? undefined : known;
    const answer = ask(this.#isTenant, enterprise).then(() => {
      answers.set(enterprise, 'admitted');
    });
    this.#answers.set(source, answers.set(enterprise, answer));
    return answer;
  }

  /**
   * The subject of a token, once its enterprise is admitted: the one that a caller names, else the current enterprise. A user
   * without an enterprise must belong to the current one. Without the option `tenants`, a caller may name every enterprise.
   *
   * @throws BoxAuthError `enterprise_missing`, `enterprise_not_allowed`, `subject_invalid`
   */
  async admittedSubject(
    acting: Acting | undefined,
    named: Subject | undefined,
    own: Subject | undefined,
  ): Promise<Subject | undefined> {
    const subject = subjectIn(acting, named);
    await this.admit(this.#actingFor(subject, acting), own);
    return subject;
  }

  /**
   * The same without waiting. Undefined if the enterprise is not admitted, or if the function `tenants` was not asked about it
   * for the current request.
   *
   * @throws BoxAuthError `subject_invalid`
   */
  knownSubject(
    acting: Acting | undefined,
    named: Subject | undefined,
    own: Subject | undefined,
  ): { readonly subject: Subject | undefined } | undefined {
    const subject = subjectIn(acting, named);
    return this.#isAdmitted(this.#actingFor(subject, acting), own) ? { subject } : undefined;
  }

  /** The enterprise to check for `subject`, in the form of `acting`. */
  #actingFor(subject: Subject | undefined, acting: Acting | undefined): Acting | undefined {
    const enterprise = subject && enterpriseOf(subject);
    if (enterprise === acting?.enterprise) return acting;
    return this.areConfigured ? { enterprise, source: acting?.source } : undefined;
  }

  #isAdmitted(acting: Acting | undefined, own: Subject | undefined): boolean {
    if (this.#isTenant !== undefined && acting?.enterprise !== undefined) {
      return this.#answers.get(sourceOf(acting))?.get(acting.enterprise) === 'admitted';
    }
    try {
      void this.admit(acting, own);
      return true;
    } catch {
      return false;
    }
  }

  #checkListed(enterprise: string, own: Subject | undefined): void {
    const isListed = this.#ids?.has(enterprise) ?? (own && enterpriseOf(own)) === enterprise;
    if (isListed) return;
    throw this.areConfigured
      ? notAllowed(enterprise, 'the option `tenants` does not contain it')
      : notAllowed(enterprise, 'this Box app has no option `tenants`, so it serves only its own');
  }
}

function sourceOf(acting: Acting): object {
  return acting.source ?? acting;
}

function subjectIn(acting: Acting | undefined, named: Subject | undefined): Subject | undefined {
  const enterprise = acting?.enterprise;
  if (named === undefined) return actingSubject({ enterprise });
  const subject = checkedSubject(named);
  return enterprise !== undefined && subject.type === 'user' && subject.enterprise === undefined
    ? { ...subject, enterprise }
    : subject;
}

async function ask(isTenant: (enterpriseId: string) => unknown, enterprise: string): Promise<void> {
  let answer: unknown;
  try {
    answer = await isTenant(enterprise);
  } catch (cause) {
    throw notAllowed(enterprise, 'the function `tenants` failed', cause);
  }
  if (answer !== true) {
    throw notAllowed(enterprise, 'the function `tenants` did not return true');
  }
}

/** The enterprise, and optionally the user, that `runFor` selects. */
export interface RunForOptions {
  /** The id of the enterprise. */
  readonly enterprise: string;
  /** The Box id of a user of that enterprise, for `as-user`. Default: its service account. */
  readonly user?: string;
}

/**
 * Checks the options of `runFor` strictly: a typo, or a user that was not found, must not select the service account.
 *
 * @throws BoxAuthError `enterprise_missing`, `enterprise_not_allowed`, `acting_user_invalid`, `option_invalid`
 */
export function checkedRunFor(options: RunForOptions): Acting {
  checkOptions('runFor', options);
  const unknown = Object.keys(options).find((name) => name !== 'enterprise' && name !== 'user');
  if (unknown !== undefined) {
    throw optionError(
      `Unknown option \`${unknown}\` of runFor. Known options: enterprise, user.`,
      'Write runFor({ enterprise, user }, fn), or omit the user.',
    );
  }
  const enterprise = checkedEnterpriseId(options.enterprise, 'runFor');
  if (!('user' in options)) return { enterprise };
  return { enterprise, user: { id: checkedActingUserId(options.user), via: 'header' } };
}

/**
 * Checks the enterprise id that a resolver or a caller gives.
 *
 * @throws BoxAuthError `enterprise_missing`, `enterprise_not_allowed`
 */
export function checkedEnterpriseId(id: unknown, source: string): string {
  if (isBoxId(id)) return id;
  if (id === undefined || id === null) throw enterpriseMissing(`${source} names no enterprise.`);
  throw new BoxAuthError({
    code: 'enterprise_not_allowed',
    message: `Invalid enterprise in ${source}: expected a Box enterprise id, a string of 1 to 20 digits that does not begin with 0, received ${describeValue(id)}.`,
    hint: 'Look up the enterprise id of the tenant on the server, and pass it as a string.',
    docs: boxDocs.authorization,
  });
}

export function enterpriseMissing(message: string): BoxAuthError {
  return new BoxAuthError({
    code: 'enterprise_missing',
    message,
    hint: 'Decorate the handler with @ForEnterprise, or make the call inside provider.runFor({ enterprise }, …). Reject requests without a tenant in a guard.',
    docs: boxDocs.authorization,
  });
}

function notAllowed(enterprise: string, reason: string, cause?: unknown): BoxAuthError {
  return new BoxAuthError({
    code: 'enterprise_not_allowed',
    message: `Calls for enterprise ${enterprise} are not allowed: ${reason}.`,
    hint: 'Take the enterprise id from your own record of the signed-in tenant, never from what the client sends. Add the ids of your tenants to the option `tenants`.',
    docs: boxDocs.authorization,
    enterprise,
    cause,
  });
}
