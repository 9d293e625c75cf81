import { appendFile, writeFile } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'
import { Child, freePort } from './child.ts'
import { logLine } from './log.ts'

const BATCH_MS = 50
const LINES_PER_SECOND = 20_000
const BATCHES = 120
const WAIT_MS_MAX = 10_000

/**
 * Appends 20,000 lines a second to a log, and returns the 99th percentile of the time from an append until a connected page
 * gets its last line.
 */
export async function measureAppends(path: string, program: string): Promise<number | undefined> {
  await writeFile(path, logLine(0, Date.now()))
  const port = await freePort()
  const child = new Child([program, '--no-open', '--no-cache', '--port', String(port), path])
  const cancel = new AbortController()
  try {
    const appendedMs: number[] = []
    const times: number[] = []
    const reading = readStream(await connect(port, cancel.signal), (number) => {
      // A page gets the newest lines of a moment: the ones before them came with it.
      while (times.length <= number) times.push(performance.now() - (appendedMs[times.length] ?? 0))
    }).catch(() => {})
    for (let number = 0; number < BATCHES; number += 1) {
      const startedMs = performance.now()
      let text = ''
      for (let line = 1; line < (LINES_PER_SECOND * BATCH_MS) / 1_000; line += 1) text += logLine(line, Date.now())
      text += logLine(1, Date.now()).replace('/items/item1"', `/marker/${number}"`)
      appendedMs.push(performance.now())
      await appendFile(path, text)
      await delay(Math.max(0, BATCH_MS - (performance.now() - startedMs)))
    }
    const end = performance.now() + WAIT_MS_MAX
    while (times.length < BATCHES && performance.now() < end) await delay(20)
    cancel.abort()
    await reading
    return times.length < BATCHES ? undefined : times.toSorted((a, b) => a - b)[Math.ceil(BATCHES * 0.99) - 1]
  } finally {
    cancel.abort()
    await child.end()
  }
}

async function connect(port: number, signal: AbortSignal): Promise<Response> {
  const end = performance.now() + WAIT_MS_MAX
  for (;;) {
    try {
      return await fetch(`http://127.0.0.1:${port}/api/stream?range=900&hops=1`, { signal })
    } catch (error) {
      if (performance.now() >= end) throw error
      await delay(20)
    }
  }
}

/** Reads the events of a page, and reports the highest marker so far. */
async function readStream({ body }: Response, onMarker: (number: number) => void): Promise<void> {
  const decoder = new TextDecoder()
  let text = ''
  for await (const bytes of body ?? []) {
    text += decoder.decode(bytes as Uint8Array, { stream: true })
    const end = text.lastIndexOf('\n\n')
    if (end === -1) continue
    for (const [, number] of text.slice(0, end).matchAll(/\/marker\/(\d+)/g)) onMarker(Number(number))
    text = text.slice(end + 2)
  }
}
