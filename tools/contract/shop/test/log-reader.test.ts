import { appendFile, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { LogReader } from '../log-reader.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'escudo-contract-test-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

test('continues where the last read ended and returns only complete lines', async () => {
  const path = join(folder, 'a.jsonl')
  const log = new LogReader(path)
  await log.refresh()
  expect(log.lines).toEqual([])
  // In two parts, split inside a character of two bytes.
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

test('separates lines that are not a JSON object', async () => {
  const path = join(folder, 'b.jsonl')
  await appendFile(path, '{"a":1}\nnot json\n[1]\nnull\n\n{"trace_id":5}\n{"trace_id":"__proto__"}\n')
  const log = new LogReader(path)
  await log.refresh()
  expect(log.malformed).toEqual(['not json', '[1]', 'null', ''])
  expect(log.lines).toHaveLength(3)
  expect(log.ofTrace('__proto__')).toHaveLength(1)
  expect(log.ofTrace('constructor')).toEqual([])
})
