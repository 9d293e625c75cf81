/** What every line of a service says, and what is redacted. */
export interface LineSettings {
  /** The name of the service. Each line carries it. */
  readonly service: string
  /** The version of the service: `service_version` in each line. Default: none. */
  readonly version?: string | undefined
  /** The environment, such as `production`: `env` in each line. Default: none. */
  readonly env?: string | undefined
  /**
   * Paths to redact, from the top of the line: `card.number`, `items[*].pin`, `headers["x-key"]`. Secrets with
   * well-known names are always redacted, at any depth.
   */
  readonly redact?: readonly string[] | undefined
}

/** The names of the settings. */
export const LINE_SETTINGS: readonly (keyof LineSettings)[] = ['service', 'version', 'env', 'redact']
