import { PackedWriter } from '../counts/packed.ts'
import type { FilesState } from '../journal/files-state.ts'
import type { LogFiles } from '../journal/log-files.ts'
import type { Declared } from '../lines/formats/line-of.ts'
import type { Thresholds } from '../verdict/thresholds.ts'
import { CacheError, CacheFile } from './cache-file.ts'

/** How often a state that has changed is stored. */
const STORE_MS = 60_000
/** Storing may take at most this share of the time. */
const SHARE_MAX = 0.02
/** How long new lines wait for the disk. */
const PAUSE_MS_MAX = 200
/** Reading less is as fast as a stored state. */
const BYTES_MIN = 4_194_304
/** The most bytes of a timeline. A larger state takes too long to store. */
const TIMELINE_BYTES_MAX = 67_108_864

/** What a cache is for. */
export interface CacheOptions {
  readonly folder: string
  /** The files, directories and patterns that were named. */
  readonly paths: readonly string[]
  readonly declared: Declared
  readonly thresholds: Thresholds
  /** Below this size of all files together nothing is stored. */
  readonly bytesMin?: number
  /** Receives what is wrong, for people; each problem once. */
  readonly report: (problem: string) => void
}

/**
 * Stores what was read from files, so that the next process goes on from there.
 *
 * What is shown is the same with and without it. A state that cannot be used is ignored, and the files are read again.
 */
export class StateCache {
  readonly #files: LogFiles
  readonly #file: CacheFile
  readonly #options: CacheOptions
  #dueMs = performance.now() + STORE_MS
  #storedLines = 0
  #hasBackfilled = false
  #isStoring = false
  #isBroken = false

  constructor(files: LogFiles, options: CacheOptions) {
    this.#files = files
    this.#options = options
    this.#file = new CacheFile(options.folder, keyOf(options))
  }

  /**
   * Goes on from the stored state, if there is one. Call it before anything is read.
   *
   * Rejects only if a part of the state was taken when reading it failed: counts from then on would be wrong.
   */
  async restore(): Promise<boolean> {
    let isBegun = false
    try {
      const isThere = await this.#file.read(async (from) => {
        const reopened = await this.#files.reopen(from)
        isBegun = true
        this.#files.restore(reopened, from)
      })
      if (!isThere) return false
      this.#storedLines = this.#lines
      this.#hasBackfilled = this.#files.backfilling.all === 0
      return true
    } catch (error) {
      const { message } = error as Error
      const what =
        error instanceof CacheError ? `the stored state ${this.#file.path} is ignored` : 'the stored state is ignored'
      this.#file.remove()
      if (isBegun) throw error
      this.#options.report(`${what}, and the files are read again: ${message}`)
      return false
    }
  }

  /** Stores the state if it is time to. Never rejects. */
  async store(): Promise<void> {
    const isBackfilled = this.#files.backfilling.all === 0
    // A long backfill ends with much to keep.
    const isDue = performance.now() >= this.#dueMs || (isBackfilled && !this.#hasBackfilled)
    if (!isDue || this.#isStoring || !this.#hasNews) return
    this.#isStoring = true
    const started = performance.now()
    const resume = await this.#files.reading.pause()
    try {
      const into = new PackedWriter()
      const state = this.#files.state(into, TIMELINE_BYTES_MAX)
      if (state !== undefined) {
        const lines = this.#lines
        await this.#file.write(piecesOf(state, into, resume))
        this.#storedLines = lines
      }
      // Also if it cannot be stored now: finding that out takes long, so it is tried again after a while only.
      this.#hasBackfilled = isBackfilled
    } catch (error) {
      this.#fail(error as Error)
    } finally {
      resume()
    }
    this.#isStoring = false
    const now = performance.now()
    this.#dueMs = now + Math.max(STORE_MS, (now - started) / SHARE_MAX)
  }

  /** Stores the state before the process ends. Never throws. */
  end(): void {
    try {
      const into = new PackedWriter()
      const state = this.#hasNews ? this.#files.state(into, TIMELINE_BYTES_MAX) : undefined
      if (state !== undefined) this.#file.writeNow(piecesOf(state, into))
    } catch (error) {
      this.#fail(error as Error)
    }
  }

  /** Whether there is something to store that is worth it. */
  get #hasNews(): boolean {
    const { bytesMin = BYTES_MIN } = this.#options
    return !this.#isBroken && this.#lines !== this.#storedLines && this.#files.bytesRead >= bytesMin
  }

  get #lines(): number {
    return this.#files.all.reduce((sum, { log }) => sum + log.facts.read, 0)
  }

  #fail(error: Error): void {
    this.#isBroken = true
    this.#options.report(`the state is not stored, and a restart reads the files again: ${error.message}`)
  }
}

/**
 * Packs a state, and yields it in pieces. `resume` is called once lines may be read again.
 *
 * New lines wait for the disk until then. Where it is slow they wait for a short time only: the rest of the counts is packed
 * at once, and is in memory until it is written.
 */
export function* piecesOf(
  { counts, filters }: FilesState,
  into: PackedWriter,
  resume?: () => void,
): Generator<Uint8Array> {
  const until = resume === undefined ? Number.POSITIVE_INFINITY : performance.now() + PAUSE_MS_MAX
  for (const _ of counts) if (performance.now() < until) yield into.take()
  resume?.()
  for (const _ of filters) yield into.take()
  yield into.take()
}

/** Everything that changes what is counted. */
function keyOf({ paths, declared, thresholds }: CacheOptions): string {
  const { failingShare, healthyShare, objective } = thresholds
  // Paths are relative to the folder, and times without a zone to the zone.
  const around = [process.cwd(), process.env['TZ']]
  return JSON.stringify([around, paths, declared, failingShare, healthyShare, objective?.latencyMs])
}
