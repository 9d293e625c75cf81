import { appendFile, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { freePorts } from './free-ports.ts'
import { LogReader } from './log-reader.ts'
import { saidPid } from './own-shop.ts'
import { pidIn } from './target.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'escudo-contract-test-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

test('a log is read on from where the last read ended, whole lines only', async () => {
  const path = join(folder, 'a.jsonl')
  const log = new LogReader(path)
  await log.refresh()
  expect(log.lines).toEqual([])
  // In two halves, cut within a character of two bytes.
  const line = Buffer.from('{"trace_id":"t1","event":"poción"}\n')
  const cut = line.indexOf('ó') + 1
  await appendFile(path, line.subarray(0, cut))
  await log.refresh()
  expect([log.lines.length, log.partial.length > 0]).toEqual([0, true])
  await appendFile(path, line.subarray(cut))
  await Promise.all([log.refresh(), log.refresh()])
  await log.refresh()
  expect(log.ofTrace('t1')).toEqual([{ trace_id: 't1', event: 'poción' }])
  expect([log.lines.length, log.partial]).toEqual([1, ''])
})

test('lines that are no JSON object are kept apart', async () => {
  const path = join(folder, 'b.jsonl')
  await appendFile(path, '{"a":1}\nnot json\n[1]\nnull\n\n{"trace_id":5}\n{"trace_id":"__proto__"}\n')
  const log = new LogReader(path)
  await log.refresh()
  expect(log.malformed).toEqual(['not json', '[1]', 'null', ''])
  expect(log.lines).toHaveLength(3)
  expect(log.ofTrace('__proto__')).toHaveLength(1)
  expect(log.ofTrace('constructor')).toEqual([])
})

test('a process id is taken from what the start script said last', () => {
  const said = [
    '  potion-shop        http://localhost:8000  (process 101)',
    '  inventory-service  http://localhost:9002  (process 102)',
    'inventory-service died (signal SIGKILL); starting it again in 500 ms',
    '[inventory-service] some line about process 666',
    'inventory-service started again, process 203',
  ].join('\n')
  expect(saidPid(said, 'shop')).toBe(101)
  expect(saidPid(said, 'inventory')).toBe(203)
  expect(saidPid(said, 'flaky')).toBeUndefined()
})

test('only an id of some other single process may be killed', () => {
  expect(pidIn({ pid: 4242 })).toBe(4242)
  for (const pid of [0, 1, -5, 1.5, '4242', Number.NaN, process.pid, undefined]) expect(pidIn({ pid })).toBeUndefined()
  expect([pidIn(null), pidIn('x'), pidIn([])]).toEqual([undefined, undefined, undefined])
})

test('free ports differ', async () => {
  const ports = await freePorts(5)
  expect(new Set(ports).size).toBe(5)
})
