/** What a number is a number of. `count` is a fact, all others are measurements. */
export type Unit = 'ns' | 'us' | 'ms' | 'B' | 'MiB' | '/s' | 'count';

/** What one measurement of one subject gave: a number for each figure of its row. */
export type Figures = Readonly<Record<string, number>>;

/** What has to hold of a figure of a subject: of its median, or of its relation to another subject's. */
export interface Target {
  readonly subject: string;
  readonly figure: string;
  /** What the figure is divided by, round by round: then it is the median of the ratios that counts. */
  readonly over?: string;
  /** Whose median is taken away first. */
  readonly minus?: string;
  readonly atMost?: number;
  readonly atLeast?: number;
  /** Of a count: another one fails the run, a quick one, too. */
  readonly exactly?: number;
}

/** Bars for some subjects of a row. */
export interface Chart {
  readonly caption: string;
  readonly figure: string;
  readonly subjects: readonly string[];
}

/** What the parent has made ready for the processes that measure. */
export interface Stage {
  /** A few milliseconds for everything: nothing that is measured then means anything, but counts. */
  readonly isQuick: boolean;
  /** As Box's console hands it out: the key encrypted, PBKDF2 with 2,048 iterations. */
  readonly config: BoxConfig;
  /** The same key, PBKDF2 with 100,000 iterations. */
  readonly hardConfig: BoxConfig;
  /** The same key, not encrypted. */
  readonly plainKey: string;
  /** Undefined if there is no redis-server. */
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

/** One thing that is measured, for us and for those beside us. */
export interface Row {
  readonly title: string;
  /** Those who are measured; each measurement has a process of its own. */
  readonly subjects: readonly string[];
  readonly units: Readonly<Record<string, Unit>>;
  readonly targets: readonly Target[];
  /** What the picture shows of it; nothing by default. */
  readonly chart?: Chart;
  /** Of a full run; default 7. */
  readonly rounds?: number | undefined;
  /** Flags for the process that measures. */
  readonly nodeFlags?: readonly string[];
  /** Why it cannot run here; undefined if it can. */
  readonly isMissing?: (stage: Stage) => string | undefined;
  /** Measures `subject` once, in a process of its own. */
  readonly measure: (subject: string, stage: Stage) => Promise<Figures>;
}
