/** The unit of a number; `x` for a ratio. A `count` is exact, all others are measurements. */
export type Unit = 'ns' | 'us' | 'ms' | 'B' | 'MiB' | '/s' | 'x' | 'count';

/** The result of one measurement of one subject: a number for each figure of its row. */
export type Figures = Readonly<Record<string, number>>;

/** A limit for the median of a subject's figure, or for its ratio to another subject's. */
export interface Target {
  readonly subject: string;
  readonly figure: string;
  /** The subject to divide by, round by round; the limit then applies to the median of the ratios. */
  readonly over?: string;
  /** The subject whose median is subtracted first. */
  readonly minus?: string;
  readonly atMost?: number;
  readonly atLeast?: number;
  /** The exact count; any other fails the run, even a quick one. */
  readonly exactly?: number;
}

/** A bar chart of some subjects of a row. */
export interface Chart {
  readonly caption: string;
  readonly figure: string;
  readonly subjects: readonly string[];
}

/** The environment that the parent prepares for the measuring processes. */
export interface Stage {
  /** Each measurement takes only a few milliseconds; only counts are meaningful then. */
  readonly isQuick: boolean;
  /** The format of Box's console: the key is encrypted, with 2,048 iterations of PBKDF2. */
  readonly config: BoxConfig;
  /** The same key with 100,000 iterations of PBKDF2. */
  readonly hardConfig: BoxConfig;
  /** The same key, not encrypted. */
  readonly plainKey: string;
  /** Undefined if redis-server is not installed. */
  readonly redisUrl: string | undefined;
}

export interface BoxConfig {
  readonly boxAppSettings: {
    readonly clientID: string;
    readonly clientSecret: string;
    readonly appAuth: {
      readonly publicKeyID: string;
      readonly privateKey: string;
      readonly passphrase: string;
    };
  };
  readonly enterpriseID: string;
}

/** One thing to measure, for this package and its peers. */
export interface Row {
  readonly title: string;
  /** What is compared; each measurement has its own process. */
  readonly subjects: readonly string[];
  readonly units: Readonly<Record<string, Unit>>;
  readonly targets: readonly Target[];
  /** Its chart in the picture; none by default. */
  readonly chart?: Chart;
  /** The number of rounds in a full run; default 7. */
  readonly rounds?: number | undefined;
  /** Node flags for the measuring process. */
  readonly nodeFlags?: readonly string[];
  /** The reason why it cannot run here; undefined if it can. */
  readonly isMissing?: (stage: Stage) => string | undefined;
  /** Measures `subject` once, in its own process. */
  readonly measure: (subject: string, stage: Stage) => Promise<Figures>;
}
