import type { Readable } from 'node:stream'
import { createGunzip } from 'node:zlib'
import { Spool } from './spool.ts'
import type { Tail, TailSink, TailState } from './tail.ts'

/** Reads a stream once, decompressed if it is gzip: the standard input, or a compressed file. */
export class StreamTail implements Tail {
  readonly path: string
  readonly restarts = 0
  readonly #open: () => Readable
  readonly #spool: Spool
  #stream: Readable | undefined
  #isEnding = false
  #state: TailState = 'waiting'
  #note: string | undefined

  constructor(path: string, sink: TailSink, open: () => Readable) {
    this.path = path
    this.#open = open
    this.#spool = new Spool(path, sink)
  }

  get state(): TailState {
    return this.#state
  }

  get note(): string | undefined {
    return this.#note ?? this.#spool.note
  }

  /** Starts reading. Later polls do nothing: a stream delivers by itself. */
  async poll(): Promise<void> {
    if (this.#stream !== undefined) return
    this.#stream = this.#open()
    this.#state = 'reading'
    void this.#readAll(this.#stream)
  }

  async close(): Promise<void> {
    this.#isEnding = true
    this.#stream?.destroy()
  }

  async #readAll(stream: Readable): Promise<void> {
    try {
      for await (const bytes of decompressed(stream)) await this.#spool.add(bytes)
    } catch (error) {
      if (!this.#isEnding) this.#note = `it could not be read to its end: ${(error as Error).message}`
    }
    this.#spool.end()
    this.#state = 'read'
  }
}

/** Passes the bytes of a stream on, decompressed if they begin like gzip. */
async function* decompressed(stream: Readable): AsyncGenerator<Buffer> {
  const chunks = bytesOf(stream)
  const first = await chunks.next()
  if (first.done === true) return
  const start = first.value
  if (start[0] !== 0x1f || start[1] !== 0x8b) {
    yield start
    yield* chunks
    return
  }
  const gunzip = createGunzip()
  const feeding = feed(gunzip, start, chunks)
  yield* gunzip as AsyncIterable<Buffer>
  await feeding
}

async function feed(
  gunzip: ReturnType<typeof createGunzip>,
  start: Buffer,
  rest: AsyncGenerator<Buffer>,
): Promise<void> {
  try {
    gunzip.write(start)
    for await (const bytes of rest) {
      if (!gunzip.write(bytes))
        await new Promise<void>((resolve) => gunzip.once('drain', resolve).once('close', resolve))
      if (gunzip.destroyed) return
    }
    gunzip.end()
  } catch (error) {
    gunzip.destroy(error as Error)
  }
}

async function* bytesOf(stream: Readable): AsyncGenerator<Buffer> {
  // One byte is not enough to know gzip.
  let held: Buffer | undefined
  for await (const chunk of stream as AsyncIterable<Buffer | string>) {
    const bytes = typeof chunk === 'string' ? Buffer.from(chunk) : chunk
    const all: Buffer = held === undefined ? bytes : Buffer.concat([held, bytes])
    held = undefined
    if (all.length < 2) held = all
    else yield all
  }
  if (held !== undefined) yield held
}
