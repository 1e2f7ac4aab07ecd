// Symbol.for: one process may load the ES module and the CommonJS build.
const ISSUER = Symbol.for('nestjs-box-auth.issuer');

/** Notes on the error of an HTTP client whose API the call was for. Inspecting or serializing the error does not show it. */
export function noteIssuer(error: object, issuer: string): void {
  Reflect.defineProperty(error, ISSUER, { value: issuer, configurable: true });
}

/** The issuer whose API the failed call was for; undefined for a call to another host. */
export function issuerOf(error: object): unknown {
  return Reflect.get(error, ISSUER);
}
