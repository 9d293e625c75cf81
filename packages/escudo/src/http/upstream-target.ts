/** What an error may reveal of a request's target: never the query, a header or a concrete path. */
export interface UpstreamTarget {
  /** The name given to `resilientFetch`. */
  readonly service: string
  readonly method: string
  /** For example `https://inventory.example:8443`. */
  readonly origin: string
  /** The path with names in place of values, `/inventory/:id`. Undefined without the client's `template` option. */
  readonly template: string | undefined
}

/** Formats a target for an error message: `GET https://inventory.example/inventory/:id (inventory)`. */
export function describeTarget({ service, method, origin, template }: UpstreamTarget): string {
  return `${method} ${origin}${template ?? ''} (${service})`
}
