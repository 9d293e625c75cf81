import { expect, test } from 'vitest'
import { LINE_BYTES_MAX, LineSplitter } from '../line-splitter.ts'

function splitter(): { lines: LineSplitter; seen: string[]; tooLong: () => number } {
  const seen: string[] = []
  let long = 0
  const sink = {
    line: (text: string) => seen.push(text),
    tooLong: () => {
      long += 1
    },
  }
  return { lines: new LineSplitter(sink), seen, tooLong: () => long }
}

test('gives the same lines wherever the bytes are split, even inside a character', () => {
  const text = '{"a":"ñ"}\n\n{"b":"💥"}\r\n{"c":1}\nrest'
  const bytes = Buffer.from(text)
  for (let first = 0; first <= bytes.length; first += 1) {
    for (let second = first; second <= bytes.length; second += 1) {
      const { lines, seen } = splitter()
      lines.push(bytes.subarray(0, first))
      lines.push(bytes.subarray(first, second))
      lines.push(bytes.subarray(second))
      expect(seen).toEqual(['{"a":"ñ"}', '{"b":"💥"}\r', '{"c":1}'])
    }
  }
})

test('buffers an unfinished last line and emits it when its newline arrives', () => {
  const { lines, seen } = splitter()
  lines.push(Buffer.from('{"a"'))
  expect(seen).toEqual([])
  lines.push(Buffer.from(':1}'))
  expect(seen).toEqual([])
  lines.push(Buffer.from('\n'))
  expect(seen).toEqual(['{"a":1}'])
})

test('does not change buffered bytes when the read buffer is reused', () => {
  const { lines, seen } = splitter()
  const buffer = Buffer.from('half')
  lines.push(buffer)
  buffer.fill('x')
  lines.push(Buffer.from(' a line\n'))
  expect(seen).toEqual(['half a line'])
})

test('reports an endless line as too long without buffering it, and reads what follows', () => {
  const { lines, seen, tooLong } = splitter()
  const block = Buffer.alloc(LINE_BYTES_MAX / 2, 'x')
  for (let i = 0; i < 8; i += 1) lines.push(block)
  lines.push(Buffer.from('x\nnext\n'))
  expect(tooLong()).toBe(1)
  expect(seen).toEqual(['next'])
})

test('removes a byte order mark only from the first line, and again after a reset', () => {
  const { lines, seen } = splitter()
  lines.push(Buffer.from('\uFEFFa\n\uFEFFb\n'))
  lines.reset()
  lines.push(Buffer.from('\uFEFFc\n'))
  expect(seen).toEqual(['a', '\uFEFFb', 'c'])
})
