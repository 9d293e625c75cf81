/** One thing that a service must do. */
export interface ConformanceCheck {
  /** What is checked, such as `hostile: a path that cannot be decoded`. Stable, so that it can be skipped by name. */
  readonly name: string
  /** Sends the requests. Rejects with an error that says what was expected and what came. */
  run(): Promise<void>
}
