/** A rule in a pattern, for conditions that a plain value cannot express. */
export class Matcher {
  /** Its text in a printed expectation. */
  readonly shown: string
  /** Returns what is wrong with a value; undefined if it matches. */
  readonly problem: (got: unknown) => string | undefined

  constructor(shown: string, problem: (got: unknown) => string | undefined) {
    this.shown = shown
    this.problem = problem
  }
}
