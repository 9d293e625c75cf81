import { EventEmitter } from 'node:events'
import type { ServerResponse } from 'node:http'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Range } from '../../report/summary.ts'
import { createTestLog, type TestLog } from '../../test/setup.ts'
import { CLIENTS_MAX, Stream } from '../stream.ts'

/** A client whose unsent bytes a test sets. */
class FakeClient extends EventEmitter {
  readonly messages: { readonly event: string; readonly data: Record<string, unknown> }[] = []
  writableLength = 0
  isDestroyed = false

  destroy(): void {
    this.isDestroyed = true
    this.emit('close')
  }

  write(text: string): void {
    const [, event, data] = /^event: (\w+)\ndata: (.*)\n\n$/.exec(text) ?? []
    this.messages.push({ event: event ?? '', data: JSON.parse(data ?? '{}') as Record<string, unknown> })
  }
}

let log: TestLog
let stream: Stream
let now: number
let processMs: number
let request: object
beforeEach(async () => {
  log = await createTestLog('shop.jsonl')
  // Lines at one moment are in one column, whatever the time of the day is.
  now = Date.now()
  request = {
    timestamp: new Date(now).toISOString(),
    event: 'http.request',
    service: 'shop',
    status_code: 200,
    latency_ms: 2,
    path: '/',
  }
  processMs = 5_000
  stream = new Stream(
    log.files,
    () => now,
    undefined,
    () => processMs,
  )
})
afterEach(() => log.remove())

function client(seconds: number | Range = 900): FakeClient {
  const fake = new FakeClient()
  added.push(fake)
  expect(stream.add(fake as unknown as ServerResponse, seconds)).toBe(true)
  return fake
}

const added: FakeClient[] = []
afterEach(() => {
  for (const fake of added.splice(0)) fake.emit('close')
})

test('sends a full snapshot first, then only changes, and nothing without changes', async () => {
  await log.append(request)
  const page = client()
  expect(page.messages).toMatchObject([
    { event: 'snapshot', data: { summary: { requests: 1 }, tail: [{ status: 200 }] } },
  ])
  stream.tick()
  expect(page.messages).toHaveLength(1)
  await log.append({ ...request, status_code: 503 })
  stream.tick()
  expect(page.messages[1]).toMatchObject({
    event: 'delta',
    data: { summary: { requests: 2 }, tail: [{ status: 503 }] },
  })
  expect(page.messages[1]?.data).not.toHaveProperty('lanes')
  expect(page.messages[1]?.data['columns']).toHaveLength(1)
})

test('sends the same columns to all pages, including one that connects later', async () => {
  const first = client()
  const second = client()
  await log.append(request, request)
  stream.tick()
  const third = client()
  await log.append(request)
  stream.tick()
  const last = [first, second, third].map((page) => page.messages.at(-1)?.data['columns'])
  expect(last[0]).toEqual(last[1])
  expect(last[0]).toEqual(last[2])
})

test('sends a slow page nothing while it is behind, then one fresh snapshot', async () => {
  const page = client()
  page.writableLength = 1_000_000
  for (let round = 0; round < 50; round += 1) {
    await log.append(request)
    stream.tick()
  }
  expect(page.messages).toHaveLength(1)
  page.writableLength = 0
  stream.tick()
  expect(page.messages).toHaveLength(2)
  expect(page.messages[1]).toMatchObject({ event: 'snapshot', data: { summary: { requests: 50 } } })
})

test('sends the time to a page that received nothing for a while', () => {
  const page = client(604_800)
  now += 11_000
  processMs += 11_000
  stream.tick()
  expect(page.messages.at(-1)?.data['now']).toBe(now)
})

test('sends the time also after the clock was set back', async () => {
  const at = now - 1_000_000
  await log.append({ ...request, timestamp: new Date(at).toISOString() })
  const page = client({ from: at - 10_000, to: at + 10_000 })
  now -= 3_600_000
  stream.tick()
  const before = page.messages.length
  processMs += 11_000
  stream.tick()
  expect(page.messages).toHaveLength(before + 1)
  expect(page.messages.at(-1)?.data['now']).toBe(now)
})

test('disconnects a page that takes nothing for a minute, and not one that is slow', async () => {
  const [stuck, slow] = [client(), client()]
  for (let second = 0; second < 120; second += 1) {
    processMs += 1_000
    stuck.writableLength += 1_000
    slow.writableLength += slow.writableLength > 20_000 ? -15_000 : 1_000
    await log.append(request)
    stream.tick()
  }
  expect([stuck.isDestroyed, slow.isDestroyed]).toEqual([true, false])
  expect(stream.clients).toBe(1)
})

test('limits the number of pages, and a closed one makes room', () => {
  const pages = Array.from({ length: CLIENTS_MAX }, () => client())
  expect(stream.add(new FakeClient() as unknown as ServerResponse, 900)).toBe(false)
  pages[0]?.emit('close')
  expect(stream.clients).toBe(CLIENTS_MAX - 1)
  client()
})

test('shows a range that was chosen in a chart, and begins again when its columns become wider', async () => {
  const at = now - 1_000_000
  await log.append({ ...request, timestamp: new Date(at).toISOString() })
  const page = client({ from: at - 10_000, to: at + 10_000 })
  expect(page.messages[0]).toMatchObject({
    event: 'snapshot',
    data: { range: { stepMs: 1_000, isZoomed: true, isNow: true }, summary: { requests: 1 } },
  })
  // A line fifteen minutes later: what is older is no longer counted by second.
  await log.append(request)
  stream.tick()
  expect(page.messages.at(-1)).toMatchObject({ event: 'snapshot', data: { range: { stepMs: 10_000 } } })
})
