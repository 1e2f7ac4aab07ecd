/** A `fetch` that counts. */
export class RequestCount {
  #count = 0;
  readonly fetch: typeof fetch;

  constructor(send: typeof fetch) {
    this.fetch = (input, init) => {
      this.#count += 1;
      return send(input, init);
    };
  }

  get count(): number {
    return this.#count;
  }
}
