/** What any way of handing out a token costs at least: an async method that returns a field. */
export class PlainHolder {
  #token = 'fixed';

  async getToken() {
    return this.#token;
  }
}
