import type { Json } from '../lines/log-fields.ts'
import type { LineRef } from './line-place.ts'

/** The shown parts of a line in the live tail. */
export interface TailLine {
  /** Increases with each line in order of arrival. */
  readonly id: number
  readonly at: number
  readonly service: string
  /** Undefined unless the line is a request. */
  readonly route: string | undefined
  readonly level: string | undefined
  readonly text: string
  readonly status: number | undefined
  readonly latencyMs: number | undefined
  readonly traceId: string | undefined
  /** Where the whole line is. */
  readonly ref: LineRef | undefined
  /** Its fields, shortened: for filters. */
  readonly fields: Readonly<Record<string, string>>
}

/** A line in the live tail with its fields as they were logged. They are shortened when they are sent. */
export interface TailEntry extends Omit<TailLine, 'fields'> {
  readonly logged: Json
}
