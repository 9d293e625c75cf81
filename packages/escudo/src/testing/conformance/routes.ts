import type { GoldenAnswer } from './golden.ts'

/** The routes of a service that the checks may use. A check whose route is missing is omitted. */
export interface ConformanceRoutes {
  /** A path that answers `GET` with 200, and has no routes for `PUT` and `DELETE`. */
  readonly get?: string
  /** A path that ends in a parameter, with any value: `/items/x`. The last segment is replaced. */
  readonly parameter?: string
  /** A route that takes JSON with a schema. */
  readonly post?: {
    readonly path: string
    /** A valid body. Sent several times. */
    readonly body: unknown
    /** The status of its answer. Default 201. */
    readonly status?: number
    /** The largest body that the route takes, in bytes. Default 1 MiB. */
    readonly limitBytes?: number
  }
  /** Requests with the answers that they must get. */
  readonly golden?: readonly GoldenAnswer[]
}
