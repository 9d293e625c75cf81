import type { ScannedLines } from '../lines/scan/scanned-lines.ts'
import type { RowNames } from './row-names.ts'

/** A block whose lines were scanned. Its memory belongs to the pool again after `release`. */
export interface ScannedBlock {
  readonly bytes: Buffer
  readonly lines: ScannedLines
  readonly names: RowNames
  /** How many bytes were looked at. */
  readonly end: number
  readonly release: () => void
}
