import type { Ambient } from '../context/ambient.ts'

// The lines that escudo makes itself, such as `http.request`. Their fields are known, so a logger of escudo writes them
// with fixed code. Any other logger gets an object, as from any caller.

/** Writes a text as JSON. */
export type WriteText = (value: string | null) => string

/** A line with known fields. */
export interface KnownLine {
  /** The names of all fields that {@link text} may write. */
  readonly names: ReadonlySet<string>
  /** Fields that can hold a secret. They come first, and the logger redacts them. */
  readonly others: Readonly<Record<string, unknown>> | undefined
  /**
   * The first fields of {@link others} as JSON, each with a comma before it; undefined if they are not known.
   *
   * @param keys the keys of `others`
   */
  start(keys: readonly string[], write: WriteText, writeName: WriteText): string | undefined
  /** How many fields {@link start} writes. */
  readonly startCount: number
  /**
   * The known fields as JSON, each with a comma before it; undefined if only {@link fields} has them.
   *
   * @param write writes a text as JSON, and redacts it if it can hold a secret
   * @param writeName does the same for a text that many lines repeat
   */
  text(write: WriteText, writeName: WriteText): string | undefined
  /** All fields, in the same order. */
  fields(): Readonly<Record<string, unknown>>
}

/** The methods of a logger, by level. */
export const LEVEL_METHODS = {
  debug: 'debug',
  info: 'info',
  warning: 'warn',
  error: 'error',
  critical: 'fatal',
} as const

export type KnownLineLevel = keyof typeof LEVEL_METHODS

/** The key of the method by which a logger of escudo takes known lines. */
export const WRITE_KNOWN: unique symbol = Symbol('escudo.writeKnown')

/** A logger that takes known lines. */
export interface KnownLineLogger {
  /**
   * Writes the line. Returns false if the logger must get it as an object, such as one whose methods were replaced.
   *
   * @param context the request that the line belongs to
   */
  [WRITE_KNOWN](level: KnownLineLevel, event: string, line: KnownLine, context: Ambient): boolean
}
