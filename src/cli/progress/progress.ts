// What a command can say of its progress. bars.ts shows it on a terminal, lines.ts in a log.

export interface Progress {
  /**
   * @param step what is counted, for instance `images recorded`; another one, or another `of`, begins a new step
   * @param done how many of them are done, 0 to `of`; a step ends when all are
   */
  show(step: string, done: number, of: number): void;
  /** Nothing more comes: the next output begins on a line of its own. */
  end(): void;
}
