/** The result of `WebhookDeliveries.claim`. */
export type WebhookClaim =
  /** The event is to be handled by the claimant. */
  | 'claimed'
  /** The event is being handled by another claimant. */
  | 'leased'
  /** The event was handled. */
  | 'handled';

/**
 * Remembers which events were handled, so that a repeated delivery is not handled twice. `event` identifies an event. Each method
 * acts atomically, also for several processes that share the record.
 *
 * `webhookDeliveriesConformance` of `nestjs-box-auth/testing` has the rules as tests.
 */
export interface WebhookDeliveries {
  /**
   * Claims an event for `owner`, for `leaseMs` milliseconds from now. A claim of the owner of the lease extends it. Other claims
   * get `leased` until the lease ends.
   */
  claim(
    event: string,
    request: { readonly owner: string; readonly leaseMs: number },
  ): Promise<WebhookClaim>;
  /** Records for `keepMs` milliseconds that the event was handled, also if the lease has ended or another owner has one. */
  complete(event: string, keepMs: number): Promise<void>;
  /** Ends the lease of `owner`, so that the event can be claimed again. Without such a lease it does nothing. */
  release(event: string, owner: string): Promise<void>;
}
