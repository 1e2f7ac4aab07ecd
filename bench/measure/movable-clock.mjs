const realNow = Date.now;
let aheadMs = 0;

/**
 * Moves the wall clock of this process for all packages. Import this module first: some packages keep a reference to
 * `Date.now`.
 *
 * @param {number} ms how far the clock is ahead of the real one
 */
export function setClockAhead(ms) {
  aheadMs = ms;
}

Date.now = () => realNow() + aheadMs;
const RealDate = Date;
globalThis.Date = new Proxy(RealDate, {
  construct: (target, args, newTarget) =>
    Reflect.construct(target, args.length === 0 ? [Date.now()] : args, newTarget),
});
