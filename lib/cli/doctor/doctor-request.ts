/** What the doctor is asked to look at. */
export interface DoctorRequest {
  /** The path of `config.json`; undefined for the environment. */
  readonly configFile: string | undefined;
  /** A user to act for. */
  readonly asUser: string | undefined;
  readonly offline: boolean;
  readonly apiUrl: string | undefined;
  /** The name of the variable that the passphrase is in. */
  readonly passphraseEnv: string | undefined;
  /** A `.env` file to read under the environment. */
  readonly dotenv: string | undefined;
}
