import { EventEmitter } from 'node:events'
import type { ServerResponse } from 'node:http'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { TailLine } from '../../journal/tail-line.ts'
import type { Call, CallsAt } from '../../report/calls.ts'
import type { Column, Parts } from '../../report/view.ts'
import { CLIENTS_MAX } from '../../server/stream.ts'
import type { View } from '../../source/source.ts'
import { EngineError } from '../engine-error.ts'
import { EngineStream } from '../engine-stream.ts'

/** A client whose unsent bytes a test sets. */
class FakeClient extends EventEmitter {
  readonly messages: { readonly event: string; readonly data: Record<string, unknown> }[] = []
  writableLength = 0
  hasEnded = false

  write(text: string): void {
    const [, event, data] = /^event: (\w+)\ndata: (.*)\n\n$/.exec(text) ?? []
    this.messages.push({ event: event ?? '', data: JSON.parse(data ?? '{}') as Record<string, unknown> })
  }

  end(): void {
    this.hasEnded = true
  }

  destroy(): void {
    this.hasEnded = true
    this.emit('close')
  }
}

/** What the engine says, which a test changes. */
class FakeEngine {
  asked = 0
  requests = 1
  columns: readonly Column[] | undefined = [column(0, 1), column(5_000, 2)]
  lines: readonly TailLine[] = []
  stepMs = 5_000
  /** The figures wait for it. */
  figures: Promise<void> | undefined
  /** The questions for calls, which a test answers. */
  readonly maps: {
    readonly signal: AbortSignal
    readonly answer: (map: CallsAt) => void
    readonly fail: (error: Error) => void
  }[] = []

  readonly clock = (): number => Date.now()
  async stats(): Promise<Parts> {
    this.asked += 1
    await this.figures
    return { range: { stepMs: this.stepMs }, summary: { requests: this.requests } } as unknown as Parts
  }
  async hits(): Promise<readonly Column[]> {
    if (this.columns === undefined) throw new Error('no answer')
    return this.columns
  }
  async calls(_: View, signal: AbortSignal): Promise<CallsAt> {
    return await new Promise((answer, fail) => {
      this.maps.push({ signal, answer, fail })
      signal.addEventListener('abort', () => fail(signal.reason))
    })
  }
  async tail(_: unknown, afterId: number): Promise<readonly TailLine[]> {
    return this.lines.filter(({ id }) => id > afterId)
  }
}

function column(at: number, good: number): Column {
  return [at, good, 0, 0, null, null, null, 0, null, []]
}

let engine: FakeEngine
let stream: EngineStream
beforeEach(() => {
  vi.useFakeTimers()
  engine = new FakeEngine()
  stream = new EngineStream(engine)
})
afterEach(() => {
  stream.close()
  vi.useRealTimers()
})

async function client(view: View = 900): Promise<FakeClient> {
  const fake = new FakeClient()
  expect(stream.add(fake as unknown as ServerResponse, view)).toBe(true)
  await vi.advanceTimersByTimeAsync(0)
  return fake
}

const turn = async (): Promise<unknown> => await vi.advanceTimersByTimeAsync(1_000)

describe('pages of an engine', () => {
  it('get a snapshot, then only what changed, and nothing without changes', async () => {
    engine.lines = [{ id: 1 } as TailLine]
    const page = await client()
    const data = { summary: { requests: 1 }, columns: engine.columns, tail: [{ id: 1 }] }
    expect(page.messages).toMatchObject([{ event: 'snapshot', data }])
    await turn()
    expect(page.messages).toHaveLength(1)
    engine.columns = [column(0, 1), column(5_000, 3)]
    engine.lines = [{ id: 1 } as TailLine, { id: 2 } as TailLine]
    await turn()
    expect(page.messages[1]).toMatchObject({ event: 'delta', data: { columns: [column(5_000, 3)], tail: [{ id: 2 }] } })
    expect(page.messages[1]?.data).not.toHaveProperty('summary')
    await vi.advanceTimersByTimeAsync(11_000)
    expect(page.messages[2]).toMatchObject({ event: 'delta', data: { now: expect.any(Number) } })
  })

  it('get a snapshot if a column is gone or has another width, because a page only adds columns', async () => {
    const page = await client()
    engine.columns = [column(0, 1)]
    await turn()
    // It may only be older than the range.
    engine.columns = [column(0, 1), column(5_000, 2)]
    await turn()
    engine.columns = [column(5_000, 2)]
    await turn()
    engine.stepMs = 10_000
    await turn()
    expect(page.messages.map(({ event }) => event)).toEqual(['snapshot', 'snapshot', 'delta', 'snapshot'])
    expect(page.messages[1]?.data['columns']).toHaveLength(1)
  })

  it('keep their columns while the engine does not answer', async () => {
    const page = await client()
    engine.columns = undefined
    engine.requests = 7
    await turn()
    expect(page.messages[1]).toMatchObject({ event: 'delta', data: { summary: { requests: 7 } } })
    expect(page.messages[1]?.data).not.toHaveProperty('columns')
  })

  it('that show the same ask once; without a page the engine is not asked', async () => {
    const pages = [await client(), await client(), await client()]
    const before = engine.asked
    await turn()
    expect(engine.asked).toBe(before + 1)
    await client(300)
    for (const page of pages) page.emit('close')
    const asked = engine.asked
    await vi.advanceTimersByTimeAsync(5_000)
    expect(engine.asked).toBe(asked + 5)
  })

  it('that take nothing for a minute are disconnected, and not those that are slow', async () => {
    const [stuck, slow] = [await client(), await client()]
    for (let second = 0; second < 70; second += 1) {
      stuck.writableLength += 1_000
      slow.writableLength += slow.writableLength > 20_000 ? -15_000 : 1_000
      await turn()
    }
    expect([stuck.hasEnded, slow.hasEnded]).toEqual([true, false])
  })

  it('that do not read get the newest later, and only so many are served', async () => {
    const page = await client()
    page.writableLength = 1_000_000
    engine.requests = 2
    await turn()
    expect(page.messages).toHaveLength(1)
    page.writableLength = 0
    engine.requests = 3
    await turn()
    expect(page.messages[1]).toMatchObject({ data: { summary: { requests: 3 } } })
    for (let count = 1; count < CLIENTS_MAX; count += 1) await client()
    expect(stream.add(new FakeClient() as unknown as ServerResponse, 900)).toBe(false)
    expect(new EngineStream(engine).add(new FakeClient() as unknown as ServerResponse, 17)).toBe(false)
    stream.close()
    expect(page.hasEnded).toBe(true)
  })

  it('get the figures first, and who calls whom when it is known, asked once at a time', async () => {
    let answer = (): void => {}
    engine.figures = new Promise((resolve) => {
      answer = resolve
    })
    const page = await client()
    expect(engine.maps).toHaveLength(0)
    answer()
    await turn()
    expect(page.messages).toHaveLength(1)
    expect(page.messages[0]?.data).not.toHaveProperty('calls')
    await turn()
    await turn()
    expect(engine.maps).toHaveLength(1)
    expect(page.messages).toHaveLength(1)
    const sample = { requests: 2, is_whole: true, is_partial: false, from: 'a', to: 'b' }
    const calls = Array.from({ length: 301 }, (_, at) => call(`s${at}`))
    engine.maps[0]?.answer({ at: 'b', calls, sample })
    await turn()
    expect(page.messages[1]?.data['calls']).toMatchObject({ calls: { length: 300 }, more: 1, sample })
    // A page that comes later has it at once.
    const later = await client()
    expect(later.messages[0]?.data).toHaveProperty('calls')
    expect(engine.maps).toHaveLength(2)
  })

  it('keep the calls that they have, with the reason, while the engine does not tell newer ones', async () => {
    const page = await client()
    engine.maps[0]?.fail(new EngineError('busy', 'too busy'))
    await turn()
    expect(page.messages[1]?.data['calls']).toEqual({ calls: [], more: 0, problem: 'too busy' })
    engine.maps[1]?.answer({ at: 'b', calls: [call('shop')] })
    await turn()
    expect(page.messages[2]?.data['calls']).toEqual({ calls: [call('shop')], more: 0 })
    engine.maps[2]?.fail(new EngineError('busy', 'too busy'))
    await turn()
    expect(page.messages[3]?.data['calls']).toEqual({ calls: [call('shop')], more: 0, problem: 'too busy' })
    engine.maps[3]?.fail(new TypeError('a fault of this program'))
    await turn()
    expect(page.messages).toHaveLength(4)
  })

  it('end the question for calls when the last of them leaves, or when the server closes', async () => {
    const [first, second] = [await client(), await client()]
    const [map] = engine.maps
    first.emit('close')
    expect(map?.signal.aborted).toBe(false)
    second.emit('close')
    expect(map?.signal.aborted).toBe(true)
    // A page that comes before the next turn gets another answer.
    const third = await client()
    await turn()
    expect([engine.maps.length, engine.maps[1]?.signal.aborted]).toEqual([2, false])
    stream.close()
    expect([engine.maps[1]?.signal.aborted, third.hasEnded]).toEqual([true, true])
  })
})

function call(to: string): Call {
  const counts = { calls: 1, failures: 0, seconds: 60 }
  return { from: 'web', to, has_log: true, known_by: 'span', ...counts, state: 'healthy', breakers: [] }
}
