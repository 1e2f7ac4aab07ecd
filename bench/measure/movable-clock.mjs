const realNow = Date.now;
let aheadMs = 0;

/**
 * Sets the wall clock of this process, for all packages in it alike, so that an hour needs no hour. Import it before them:
 * some keep `Date.now` as it was when they were loaded.
 *
 * @param {number} ms how far the clock is to be ahead of the real one
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
