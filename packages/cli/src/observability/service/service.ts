/** What the generated files are made from. */
export interface Service {
  readonly name: string
  /** Sorted by name. */
  readonly shields: readonly ServiceShield[]
  /** The entries of all catalogues, sorted by code and name. */
  readonly errors: readonly CatalogueEntry[]
  /** The series that the service shows in its metrics before its first request. */
  readonly series: readonly Series[]
}

/** A shield, as far as the modules show it. */
export interface ServiceShield {
  readonly name: string
  /** Outermost first if the shield is exported; otherwise those with metrics, sorted by name. */
  readonly policies: readonly { readonly name: string; readonly type?: string }[]
  /** Whether a module exports the shield, so that its policies are complete and in order. */
  readonly exported: boolean
}

/** An error that the service can answer with. */
export interface CatalogueEntry {
  readonly name: string
  readonly code: string
  readonly status: number
  readonly kind: string
  /** In English if there is an English one. */
  readonly message: string
}

/** One series of a shield. */
export interface Series {
  /** As in a query, so with `_total`, `_count` or `_bucket`. */
  readonly metric: string
  readonly labels: Readonly<Record<string, string>>
}

/** Whether any shield of the service has this metric. */
export function hasMetric({ series }: Service, metric: string): boolean {
  return series.some((one) => one.metric === metric)
}

/** The sorted names of the shields that have this metric. */
export function shieldsWith({ series }: Service, metric: string): readonly string[] {
  const names = series.filter((one) => one.metric === metric).map(({ labels }) => labels['escudo_shield'] ?? '')
  return [...new Set(names)].filter((name) => name !== '').sort()
}
