/** The minimum cost of returning a token: an async method that returns a field. */
export class PlainHolder {
  #token = 'fixed';

  async getToken() {
    return this.#token;
  }
}
