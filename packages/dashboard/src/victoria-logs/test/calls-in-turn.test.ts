import { expect, it } from 'vitest'
import { Journal } from '../../journal/journal.ts'
import { UNDECLARED } from '../../lines/reader/line-reader.ts'
import type { CallsAt } from '../../report/calls.ts'
import type { Health } from '../../report/health.ts'
import type { Range } from '../../report/summary.ts'
import { DEFAULT_THRESHOLDS } from '../../verdict/thresholds.ts'
import { EngineCalls } from '../engine-calls.ts'
import type { EngineClient } from '../engine-client.ts'
import type { EngineFacts } from '../engine-facts.ts'
import { engineFields } from '../engine-fields.ts'
import { EngineLines } from '../engine-line.ts'
import type { Row } from '../engine-rows.ts'

const NOW = Date.parse('2026-11-28T14:00:30Z')
const HEALTH = { as_of: null, services: [] } as unknown as Health

/** An engine whose answers a test gives, and who reads them. */
class HeldEngine {
  readonly answers: ((rows: readonly Row[]) => void)[] = []
  readonly signals: (AbortSignal | undefined)[] = []
  rowsRead = 0
  readonly #calls: EngineCalls

  constructor() {
    const rows: EngineClient['rows'] = async (_, options) => {
      this.signals.push(options?.signal)
      return await new Promise<readonly Row[]>((resolve) => this.answers.push(resolve))
    }
    const lines = new EngineLines(UNDECLARED, 'engine')
    const counted: Pick<EngineLines, 'read'> = {
      read: (row) => {
        this.rowsRead += 1
        return lines.read(row)
      },
    }
    const facts = { events: new Journal(() => NOW) }
    this.#calls = new EngineCalls(
      { rows, missing: [] } as unknown as EngineClient,
      engineFields(UNDECLARED),
      counted as EngineLines,
      facts as EngineFacts,
    )
  }

  async get({ from, to }: Range, signal = new AbortController().signal): Promise<CallsAt> {
    const range = { from, to, seconds: (to - from) / 1_000, stepMs: 1_000, isNow: false, isZoomed: true }
    return await this.#calls.get(range, NOW, DEFAULT_THRESHOLDS, async () => HEALTH, signal)
  }
}

/** Everything that waits for no answer has happened. */
async function settled(): Promise<void> {
  for (let turn = 0; turn < 3; turn += 1) await new Promise((resolve) => setImmediate(resolve))
}

/** Requests, one per millisecond. */
function requests(count: number): readonly Row[] {
  return Array.from({ length: count }, (_, at) => ({
    _time: new Date(NOW - at).toISOString(),
    _msg: 'http.request',
    service: 'shop',
    status_code: '200',
    span_id: `s${at}`,
  }))
}

it('the newest requests of an engine are read a few at a time: other work has its turn between', async () => {
  const engine = new HeldEngine()
  const asked = engine.get({ from: NOW - 60_000, to: NOW })
  await settled()
  engine.answers[0]?.(requests(20_000))
  let isDone = false
  void asked.then(() => {
    isDone = true
  })
  let [most, before] = [0, 0]
  while (!isDone) {
    await new Promise((resolve) => setImmediate(resolve))
    most = Math.max(most, engine.rowsRead - before)
    before = engine.rowsRead
  }
  expect((await asked).sample?.requests).toBe(20_000)
  expect(engine.rowsRead).toBe(20_000)
  expect(most).toBeLessThanOrEqual(500)
})

it('one range is asked for at a time, in order: a sample takes memory', async () => {
  const engine = new HeldEngine()
  const pages = [1, 2, 3].map((minutes) => engine.get({ from: NOW - minutes * 60_000, to: NOW }))
  for (const [index, page] of pages.entries()) {
    await settled()
    expect(engine.answers).toHaveLength(index + 1)
    engine.answers[index]?.(requests(index + 1))
    expect((await page).sample?.requests).toBe(index + 1)
  }
})

it('a page that leaves makes room for the next range', async () => {
  const engine = new HeldEngine()
  const leaving = new AbortController()
  const first = engine.get({ from: NOW - 60_000, to: NOW }, leaving.signal)
  const second = engine.get({ from: NOW - 120_000, to: NOW })
  await settled()
  leaving.abort(new Error('left'))
  await expect(first).rejects.toThrow('left')
  expect(engine.signals[0]?.aborted).toBe(true)
  // The client rejects a cancelled question; this one answers.
  engine.answers[0]?.([])
  await settled()
  engine.answers[1]?.(requests(2))
  expect((await second).sample?.requests).toBe(2)
})
