import type { LineRef } from '../journal/line-place.ts'
import type { LogFiles } from '../journal/log-files.ts'
import type { TailLine } from '../journal/tail-line.ts'
import type { CallsAt } from '../report/calls.ts'
import type { Health } from '../report/health.ts'
import type { OneLine } from '../report/read-line.ts'
import type { Trace } from '../report/read-trace.ts'
import type { Selection } from '../report/selection.ts'
import type { Range, Summary } from '../report/summary.ts'
import type { Column, Parts } from '../report/view.ts'
import type { Search } from '../search/search-server.ts'
import type { PageStream } from '../server/stream.ts'
import type { Thresholds } from '../verdict/thresholds.ts'

/** What a page shows: a number of seconds until now, or a range that was chosen in a chart. */
export type View = number | Range

/** Where the data of the page come from: log files, or an engine that keeps the logs of many machines. */
export interface Source {
  /** The reader's clock. */
  readonly clock: () => number
  /** Fulfils when there is something to say. */
  readonly ready: Promise<void>
  /** The log files; undefined for an engine. */
  readonly files: LogFiles | undefined
  /** Sets the limits of the verdict. Call it once, before anything is asked. */
  readonly judgeBy: (thresholds: Thresholds) => void
  /** Returns the selected requests over time, as the columns of the charts. */
  readonly hits: (view: View, selection: Selection) => Promise<readonly Column[]>
  /** Returns all else that a page shows, with at most `rowsMax` rows in each table. */
  readonly stats: (view: View, selection: Selection, rowsMax?: number) => Promise<Parts>
  /** Returns the totals of a range; without one, of everything. */
  readonly totals: (range: Range | undefined) => Promise<Summary>
  readonly health: () => Promise<Health>
  /**
   * Returns who calls whom. Files tell it as of now, whatever the view is; an engine, by the requests of the view.
   *
   * @throws the reason of the signal, once it is cancelled
   */
  readonly calls: (view: View, signal: AbortSignal) => Promise<CallsAt>
  /** Searches the history, the newest lines first. */
  readonly search: Search
  /** Returns the newest selected lines with ids above `afterId`, and remembers their places. */
  readonly tail: (selection: Selection, afterId: number) => Promise<readonly TailLine[]>
  /** Returns all lines of a trace. */
  readonly trace: (id: string, withFacts: boolean) => Promise<Trace>
  /** Returns one line by its place; undefined if it is no longer there. */
  readonly line: (place: LineRef) => Promise<OneLine | undefined>
  /** Returns what sends changes to pages. */
  readonly openStream: () => PageStream
}
