import type { LineRef } from '../journal/line-place.ts'
import type { LogFiles } from '../journal/log-files.ts'
import type { TailLine } from '../journal/tail-line.ts'
import { type CallsAt, callsAt } from '../report/calls.ts'
import { type Health, healthOf } from '../report/health.ts'
import { type OneLine, readLine } from '../report/read-line.ts'
import { readTrace, type Trace } from '../report/read-trace.ts'
import { includes, type Selection } from '../report/selection.ts'
import { type Range, type Summary, summarize } from '../report/summary.ts'
import { tailJson } from '../report/tail-json.ts'
import { type Column, columnsOf, type Parts, partsOf, rangeOf, zoomedRangeOf } from '../report/view.ts'
import { type SearchEnd, type SearchOptions, searchHistory } from '../search/history.ts'
import { type PageStream, Stream } from '../server/stream.ts'
import { DEFAULT_THRESHOLDS, type Thresholds } from '../verdict/thresholds.ts'
import type { Source, View } from './source.ts'

/** Log files as the source of the page. What was read is counted in this process. */
export class FileSource implements Source {
  readonly files: LogFiles
  readonly clock: () => number
  #thresholds: Thresholds = DEFAULT_THRESHOLDS

  constructor(files: LogFiles) {
    this.files = files
    this.clock = files.journal.clock
  }

  get ready(): Promise<void> {
    return this.files.ready
  }

  judgeBy(thresholds: Thresholds): void {
    this.#thresholds = thresholds
    this.files.judgeBy(thresholds)
  }

  async hits(view: View, selection: Selection): Promise<readonly Column[]> {
    return columnsOf(this.files, this.#rangeOf(view), 0, selection)
  }

  async stats(view: View, selection: Selection, rowsMax?: number): Promise<Parts> {
    const now = this.clock()
    const health = healthOf(this.files, now, this.#thresholds)
    return partsOf(this.files, this.#rangeOf(view), health, selection, now, rowsMax, this.#thresholds)
  }

  async totals(range: Range | undefined): Promise<Summary> {
    return summarize(this.files, range)
  }

  async health(): Promise<Health> {
    return healthOf(this.files, this.clock(), this.#thresholds)
  }

  async calls(): Promise<CallsAt> {
    const now = this.clock()
    return callsAt(this.files, healthOf(this.files, now, this.#thresholds), now, this.#thresholds)
  }

  async search(options: SearchOptions): Promise<SearchEnd> {
    return await searchHistory(this.files, options)
  }

  async tail(selection: Selection, afterId: number): Promise<readonly TailLine[]> {
    const { tail } = this.files.journal
    return tail.items.filter((line) => line.id > afterId && includes(selection, line)).map(tailJson)
  }

  async trace(id: string, withFacts: boolean): Promise<Trace> {
    return await readTrace(this.files, id, withFacts)
  }

  async line(place: LineRef): Promise<OneLine | undefined> {
    return await readLine(this.files, place)
  }

  openStream(): PageStream {
    return new Stream(this.files, this.clock, this.#thresholds)
  }

  #rangeOf(view: View): Parts['range'] {
    return typeof view === 'number' ? rangeOf(this.files, view, this.clock()) : zoomedRangeOf(this.files, view)
  }
}
