/** One alert. */
export interface Alert {
  readonly name: string
  readonly severity: 'critical' | 'warning'
  readonly expr: string
  /** How long the expression must hold before the alert fires, as a duration of Prometheus. Default: not at all. */
  readonly holds?: string
  /** One line for the head of a notification; may contain Prometheus' templates. */
  readonly summary: string
  /** What the alert means and what to do; may contain Prometheus' templates. */
  readonly description: string
  /** When it fires, in words, for the README. */
  readonly when: string
}

/** What the alerts are made for. */
export interface AlertSettings {
  readonly job: string
  /** The share of requests without a technical error, in percent. */
  readonly objective: number
  /** Multiplies every time. */
  readonly windowScale: number
}

/** The parts of which the expressions are made. */
export interface AlertParts extends Pick<AlertSettings, 'objective'> {
  /** Selects the series of the service. */
  readonly service: string
  /** Writes a scaled time in minutes as a duration of Prometheus. */
  readonly minutes: (minutes: number) => string
}
