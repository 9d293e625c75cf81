import type { EdgeState } from './edges.ts'

/** What is known of services beside each of them, to be written into a file. */
export interface KnownCalls {
  readonly edges: readonly EdgeState[]
  readonly nested: readonly EdgeState[]
  readonly direct: readonly EdgeState[]
  readonly probes: number
  /** The shields of services, by their numbers. */
  readonly shields: readonly (readonly [number: number, shields: ReadonlyMap<string, string>])[]
}
