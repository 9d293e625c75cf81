/** What stands in a pattern where a value alone does not say enough. */
export class Matcher {
  /** How it is shown where an expectation is printed. */
  readonly shown: string
  /** What is wrong with a value, in words; undefined when nothing is. */
  readonly problem: (got: unknown) => string | undefined

  constructor(shown: string, problem: (got: unknown) => string | undefined) {
    this.shown = shown
    this.problem = problem
  }
}
