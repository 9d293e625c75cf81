import { appendFile, mkdir, mkdtemp, open, readdir, readlink, rename, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { LineSplitter } from '../../lines/line-splitter.ts'
import { FileTail, QUIET_POLLS_MAX } from '../file-tail.ts'
import type { OpenLog } from '../open-log.ts'

let folder: string
let path: string
let seen: string[]
let logs: OpenLog[]
let tail: FileTail
let deleted: OpenLog[]

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'escudo-tail-'))
  path = join(folder, 'a.jsonl')
  seen = []
  logs = []
  deleted = []
  const lines = new LineSplitter({ line: (text) => seen.push(text), tooLong: () => {} })
  tail = new FileTail(path, {
    begin: (log) => {
      lines.reset()
      logs.push(log)
    },
    push: (bytes) => lines.push(bytes),
    end: (log, how) => {
      if (how !== 'restarted') lines.flush()
      if (how === 'deleted') deleted.push(log)
    },
  })
})

afterEach(async () => {
  for (const { file } of logs) await file.close()
  await rm(folder, { recursive: true })
})

test('waits for a missing file, then reads it as it grows', async () => {
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

test('reads a renamed file to its end, then the new one, each line exactly once', async () => {
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

test('loses and repeats no line over a hundred rotations', async () => {
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

test('starts again after a truncation and discards the unfinished line', async () => {
  await writeFile(path, 'one\nhalf')
  await tail.poll()
  await truncate(path, 0)
  await appendFile(path, 'two\n')
  await tail.poll()
  expect(seen).toEqual(['one', 'two'])
  expect(tail.restarts).toBe(1)
})

test('detects by its first bytes a truncated file that grew past its old size', async () => {
  await writeFile(path, 'one\n')
  await tail.poll()
  await writeFile(path, 'two\nthree\nfour\n')
  await tail.poll()
  expect(seen).toEqual(['one', 'two', 'three', 'four'])
  expect(tail.restarts).toBe(1)
})

test('reports a folder as unreadable, and reads the file once it exists', async () => {
  await mkdir(path)
  await tail.poll()
  expect(tail.state).toBe('unreadable')
  await rm(path, { recursive: true })
  await writeFile(path, 'one\n')
  await tail.poll()
  expect(seen).toEqual(['one'])
})

test('delivers lines that span several reads complete', async () => {
  const long = 'x'.repeat(700_000)
  await writeFile(path, `${long}\n${long}\n${long}\n`)
  await tail.poll()
  expect(seen).toEqual([long, long, long])
})

test.runIf(process.platform === 'linux')(
  'closes its handle when a file cannot be begun, and reads it with the next poll',
  async () => {
    await writeFile(path, 'one\n')
    let failures = 3
    const got: string[] = []
    const failing = new FileTail(path, {
      begin: (log) => {
        failures -= 1
        if (failures >= 0) throw new Error('not now')
        logs.push(log)
      },
      push: (bytes) => got.push(bytes.toString()),
      end: () => {},
    })
    const before = await openFiles()
    for (let poll = 0; poll < 3; poll += 1) {
      await failing.poll()
      expect(failing.state).toBe('unreadable')
    }
    expect(await openFiles()).toBe(before)
    await failing.poll()
    expect(got).toEqual(['one\n'])
  },
)

test('is waiting while the file is deleted, although it still reads the open one', async () => {
  await writeFile(path, 'one\n')
  await tail.poll()
  await rename(path, `${path}.1`)
  await appendFile(`${path}.1`, 'two\n')
  await tail.poll()
  expect(tail.state).toBe('waiting')
  expect(seen).toEqual(['one', 'two'])
})

describe('a deleted file', () => {
  const pollQuietly = async (polls: number): Promise<void> => {
    for (let poll = 0; poll < polls; poll += 1) await tail.poll()
  }

  test('ends once nothing was added to it for a while, and may come back', async () => {
    await writeFile(path, 'one\n')
    await tail.poll()
    const writer = await open(path, 'a')
    await rm(path)
    await pollQuietly(QUIET_POLLS_MAX - 1)
    expect(deleted).toEqual([])
    await writer.write('two\n')
    await writer.close()
    await pollQuietly(QUIET_POLLS_MAX - 1)
    expect(deleted).toEqual([])
    await tail.poll()
    expect(deleted).toEqual(logs)
    await tail.poll()
    expect(tail.state).toBe('waiting')
    await writeFile(path, 'three\n')
    await tail.poll()
    expect(seen).toEqual(['one', 'two', 'three'])
  })

  test('does not end if it has another name', async () => {
    await writeFile(path, 'one\n')
    await tail.poll()
    await rename(path, `${path}.old`)
    await pollQuietly(QUIET_POLLS_MAX + 1)
    await appendFile(`${path}.old`, 'two\n')
    await tail.poll()
    expect([seen, deleted]).toEqual([['one', 'two'], []])
  })
})

/** The number of handles of this process on files of the folder. */
async function openFiles(): Promise<number> {
  const links = await Promise.all(
    (await readdir('/proc/self/fd')).map((fd) => readlink(`/proc/self/fd/${fd}`).catch(() => '')),
  )
  return links.filter((link) => link.startsWith(folder)).length
}
