import { appendFile, mkdir, mkdtemp, rename, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { LineSplitter } from '../../lines/line-splitter.ts'
import { FileTail } from '../file-tail.ts'
import type { OpenLog } from '../open-log.ts'

let folder: string
let path: string
let seen: string[]
let logs: OpenLog[]
let tail: FileTail

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'escudo-tail-'))
  path = join(folder, 'a.jsonl')
  seen = []
  logs = []
  const lines = new LineSplitter({ line: (text) => seen.push(text), tooLong: () => {} })
  tail = new FileTail(path, {
    begin: (log) => {
      lines.reset()
      logs.push(log)
    },
    push: (bytes) => lines.push(bytes),
    end: (_, how) => (how === 'replaced' ? lines.flush() : undefined),
  })
})

afterEach(async () => {
  for (const { file } of logs) await file.close()
  await rm(folder, { recursive: true })
})

test('a file that is not there yet is waited for, then read as it grows', async () => {
  await tail.poll()
  expect(tail.state).toBe('waiting')
  await writeFile(path, 'one\ntw')
  await tail.poll()
  expect(seen).toEqual(['one'])
  await appendFile(path, 'o\n')
  await tail.poll()
  expect(seen).toEqual(['one', 'two'])
  expect(tail.state).toBe('reading')
})

test('after a rename the old file is read to its end, then the new one: nothing lost, nothing twice', async () => {
  await writeFile(path, 'one\n')
  await tail.poll()
  await appendFile(path, 'two\n')
  await rename(path, `${path}.1`)
  await appendFile(`${path}.1`, 'three\n')
  await tail.poll()
  await writeFile(path, 'four\n')
  await tail.poll()
  expect(seen).toEqual(['one', 'two', 'three', 'four'])
  expect(tail.restarts).toBe(0)
})

test('a hundred rotations lose no line and count none twice', async () => {
  const wanted: string[] = []
  for (let round = 0; round < 100; round += 1) {
    const lines = [`${round}-a`, `${round}-b`]
    wanted.push(...lines)
    await appendFile(path, `${lines[0]}\n`)
    if (round % 3 !== 0) await tail.poll()
    await appendFile(path, `${lines[1]}\n`)
    await tail.poll()
    await rename(path, `${path}.1`)
  }
  await tail.poll()
  expect(seen).toEqual(wanted)
})

test('a truncated file starts again, and its unfinished line is forgotten', async () => {
  await writeFile(path, 'one\nhalf')
  await tail.poll()
  await truncate(path, 0)
  await appendFile(path, 'two\n')
  await tail.poll()
  expect(seen).toEqual(['one', 'two'])
  expect(tail.restarts).toBe(1)
})

test('a file that was truncated and has grown beyond its old size is noticed by its beginning', async () => {
  await writeFile(path, 'one\n')
  await tail.poll()
  await writeFile(path, 'two\nthree\nfour\n')
  await tail.poll()
  expect(seen).toEqual(['one', 'two', 'three', 'four'])
  expect(tail.restarts).toBe(1)
})

test('a folder in place of the file is unreadable, and the file is read once it is there', async () => {
  await mkdir(path)
  await tail.poll()
  expect(tail.state).toBe('unreadable')
  await rm(path, { recursive: true })
  await writeFile(path, 'one\n')
  await tail.poll()
  expect(seen).toEqual(['one'])
})

test('lines longer than one read come whole', async () => {
  const long = 'x'.repeat(700_000)
  await writeFile(path, `${long}\n${long}\n${long}\n`)
  await tail.poll()
  expect(seen).toEqual([long, long, long])
})
