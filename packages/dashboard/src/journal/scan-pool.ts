import { availableParallelism } from 'node:os'
import { Worker } from 'node:worker_threads'
import { BLOCK_MEMORY_BYTES, type ScanJob, type ScanResult, type Slot } from '../lines/scan/scan-messages.ts'
import { SCANNED_BYTES, ScannedLines } from '../lines/scan/scanned-lines.ts'
import type { OpenLog } from '../tail/open-log.ts'
import type { RowJournal } from './row-journal.ts'
import { RowNames } from './row-names.ts'
import type { ScannedBlock } from './scanned-block.ts'

/** More threads find no work: the main thread counts what they scan, in about the same time. */
const THREADS_MAX = 3
const THREADED_BYTES_MIN = 33_554_432
/** Blocks per thread: one that is scanned, one that waits, and one that is counted. */
const SLOTS_PER_THREAD = 3

interface Pending {
  readonly settle: (block: ScannedBlock | undefined) => void
}

/** What a pool is like. */
export interface PoolOptions {
  /** The number of threads; by default one per core, less the one that counts. */
  readonly size: number
  /** With less to read, threads are not worth their start. */
  readonly bytesMin: number
  /** The program of a thread. */
  readonly url: URL
}

/** A thread that scans. */
class ScanThread {
  readonly slots: readonly { readonly bytes: Buffer; readonly lines: ScannedLines }[]
  readonly free: number[]
  readonly #worker: Worker
  readonly #pending = new Map<number, Pending>()
  readonly #texts = { services: [] as string[], routes: [] as string[], instances: [] as string[], codes: [] as string[] }
  readonly #names: RowNames
  #isReady = false
  #isDead = false

  constructor(journal: RowJournal, url: URL) {
    const memory: readonly Slot[] = Array.from({ length: SLOTS_PER_THREAD }, () => ({
      bytes: new SharedArrayBuffer(BLOCK_MEMORY_BYTES),
      rows: new SharedArrayBuffer(SCANNED_BYTES),
    }))
    this.slots = memory.map(({ bytes, rows }) => ({ bytes: Buffer.from(bytes), lines: new ScannedLines(rows) }))
    this.free = [...this.slots.keys()]
    this.#names = new RowNames(journal, this.#texts)
    this.#worker = new Worker(url, {
      workerData: memory,
      resourceLimits: { maxYoungGenerationSizeMb: 2, maxOldGenerationSizeMb: 32 },
    })
    this.#worker.once('online', () => {
      this.#isReady = true
    })
    this.#worker.on('message', (result: ScanResult) => this.#take(result))
    // Without a listener, the error of a worker would end the process.
    this.#worker.on('error', () => this.#die())
    this.#worker.on('exit', () => this.#die())
    this.#worker.unref()
  }

  /** Whether a block can be given to it. */
  get hasRoom(): boolean {
    return this.#isReady && !this.#isDead && this.free.length > 0
  }

  /** Scans complete lines of a file. Fulfils with undefined if that failed. */
  async scan(log: OpenLog, offset: number, length: number): Promise<ScannedBlock | undefined> {
    const slot = this.free.pop()
    if (slot === undefined || this.#isDead) return undefined
    // A thread without work must not keep the process alive, and one with work must.
    this.#worker.ref()
    const job: ScanJob = { slot, fd: log.file.fd, offset, length }
    return await new Promise((settle) => {
      this.#pending.set(slot, { settle })
      this.#worker.postMessage(job)
    })
  }

  async end(): Promise<void> {
    this.#die()
    await this.#worker.terminate()
  }

  #take({ slot, count, failures, end, services, routes, instances, codes }: ScanResult): void {
    this.#texts.services.push(...services)
    this.#texts.routes.push(...routes)
    this.#texts.instances.push(...instances)
    this.#texts.codes.push(...codes)
    const pending = this.#pending.get(slot)
    const memory = this.slots[slot]
    this.#pending.delete(slot)
    if (this.#pending.size === 0) this.#worker.unref()
    const release = (): void => {
      this.free.push(slot)
    }
    if (count === -1 || memory === undefined) {
      release()
      pending?.settle(undefined)
      return
    }
    memory.lines.count = count
    memory.lines.failures.count = failures
    pending?.settle({ ...memory, names: this.#names, end, release })
  }

  /** What it was asked for is not done: the main thread reads it. */
  #die(): void {
    this.#isDead = true
    for (const { settle } of this.#pending.values()) settle(undefined)
    this.#pending.clear()
  }
}

/** Threads that read and scan blocks of large files. What they cannot do, the main thread does. */
export class ScanPool {
  readonly #journal: RowJournal
  readonly #options: PoolOptions
  #scanned = 0
  #threads: readonly ScanThread[] | undefined

  constructor(journal: RowJournal, options: Partial<PoolOptions> = {}) {
    this.#journal = journal
    const size = Math.min(availableParallelism() - 1, THREADS_MAX)
    this.#options = { size, bytesMin: THREADED_BYTES_MIN, url: workerUrl(), ...options }
  }

  /** How many blocks were scanned. */
  get scanned(): number {
    return this.#scanned
  }

  /** Starts the threads, if they do not run yet. Returns whether as many bytes are worth it. */
  start(bytes: number): boolean {
    const { size, bytesMin, url } = this.#options
    if (bytes < bytesMin) return false
    try {
      this.#threads ??= Array.from({ length: size }, () => new ScanThread(this.#journal, url))
    } catch {
      // Threads may be forbidden. Without them, the main thread reads everything.
      this.#threads = []
    }
    return true
  }

  /** Scans complete lines of a file; undefined if no thread has room. */
  scan(log: OpenLog, offset: number, length: number): Promise<ScannedBlock | undefined> | undefined {
    let best: ScanThread | undefined
    for (const thread of this.#threads ?? [])
      if (thread.hasRoom && (best === undefined || thread.free.length > best.free.length)) best = thread
    return best?.scan(log, offset, length).then((block) => {
      if (block !== undefined) this.#scanned += 1
      return block
    })
  }

  /** Ends the threads. They start again when they are needed. */
  async end(): Promise<void> {
    const threads = this.#threads ?? []
    this.#threads = undefined
    await Promise.allSettled(threads.map((thread) => thread.end()))
  }
}

/** The worker is beside this folder: a source in development, a built file in the package. */
function workerUrl(): URL {
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js'
  return new URL(`../lines/scan/scan-worker.${extension}`, import.meta.url)
}
