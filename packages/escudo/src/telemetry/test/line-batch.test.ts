// Lines that wait for each other: when they are written, and in which order.
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, renameSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { LineFile } from '../line-file.ts'
import { createLogger } from '../pino.ts'
import { folder, linesOf, numbersOf, path, run, upTo } from './file-setup.ts'

afterEach(() => {
  vi.restoreAllMocks()
})

describe('a logger whose lines wait', () => {
  test('writes the first line at once, the next ones together, within the interval', async () => {
    const log = createLogger({ service: 's', stdout: false, file: path(), flushInterval: '400ms' })
    log.info('first')
    expect(linesOf(path())).toHaveLength(1)
    for (let n = 0; n < 10; n += 1) log.info({ n }, 'tick')
    expect(linesOf(path())).toHaveLength(1)
    await vi.waitFor(() => expect(linesOf(path())).toHaveLength(11), { timeout: 2_000, interval: 5 })
  })

  test('writes at 64 KiB, at flush(), at critical, and when the event loop is blocked', async () => {
    const log = createLogger({ service: 's', stdout: false, file: path(), flushInterval: '500ms' })
    log.info('first')
    for (let n = 0; n < 70; n += 1) log.info({ n, pad: 'x'.repeat(1_000) }, 'tick')
    expect(linesOf(path()).length).toBeGreaterThan(50)
    log.flush()
    expect(linesOf(path())).toHaveLength(71)
    log.info('waits')
    log.fatal('crash')
    expect(linesOf(path())).toHaveLength(73)
    log.info('waits too')
    vi.spyOn(Date, 'now').mockReturnValue(Date.now() + 520)
    log.info('late')
    expect(linesOf(path())).toHaveLength(75)
  })

  test('keeps the order of two loggers of one file, of direct writes, and at close', () => {
    const target = new LineFile(path())
    const [one, two] = [1, 2].map((id) => createLogger({ service: `s${id}`, stdout: false, sink: target }))
    one?.info({ n: 0 }, 'tick')
    two?.info({ n: 1 }, 'tick')
    one?.info({ n: 2 }, 'tick')
    target.write('{"event":"tick","n":3}\n')
    two?.info({ n: 4 }, 'tick')
    target.close()
    expect(numbersOf(linesOf(path()))).toEqual(upTo(5))
  })

  test('keeps the order of loggers whose destinations lead to one file, through other paths too', () => {
    symlinkSync(path(), join(folder, 'link.jsonl'))
    const other = createLogger({ service: 'other', stdout: false, file: join(folder, 'other.jsonl') })
    const loggers = [path(), path(), join(folder, 'link.jsonl')].map((file) =>
      createLogger({ service: 's', stdout: false, file, flushInterval: 500 }),
    )
    for (let n = 0; n < 30; n += 1) {
      loggers[((n * 7) % 5) % 3]?.info({ n }, 'tick')
      other.info({ n }, 'tick')
    }
    new LineFile(path()).write('{"event":"tick","n":30}\n')
    for (const log of [...loggers, other]) log.flush()
    expect(numbersOf(linesOf(path()))).toEqual(upTo(31))
    expect(numbersOf(linesOf(join(folder, 'other.jsonl')))).toEqual(upTo(30))
  })

  test('keeps waiting when loggers of one file take turns, within the shortest interval', () => {
    const log = (flushInterval: number) => createLogger({ service: 's', stdout: false, file: path(), flushInterval })
    const loggers = [log(400), log(400), log(500)]
    for (let n = 0; n < 3; n += 1) loggers[n]?.info({ n }, 'tick')
    for (let n = 3; n < 30; n += 1) loggers[n % 3]?.info({ n }, 'tick')
    expect(numbersOf(linesOf(path()))).toEqual(upTo(3))
    loggers[1]?.flush()
    expect(numbersOf(linesOf(path()))).toEqual(upTo(30))
    // A shorter interval takes no longer one.
    const quick = log(100)
    quick.info({ n: 30 }, 'tick')
    loggers[2]?.info({ n: 31 }, 'tick')
    quick.info({ n: 32 }, 'tick')
    expect(numbersOf(linesOf(path()))).toEqual(upTo(32))
    quick.flush()
    expect(numbersOf(linesOf(path()))).toEqual(upTo(33))
  })

  test('opens its file again after close(), although its old file belongs to another logger now', () => {
    const closed = new LineFile(path())
    const log = createLogger({ service: 's', stdout: false, sink: closed })
    for (let n = 0; n < 3; n += 1) log.info({ n }, 'tick')
    closed.close()
    const moved = join(folder, 'moved.jsonl')
    renameSync(path(), moved)
    const other = createLogger({ service: 'other', stdout: false, file: moved })
    for (let n = 3; n < 5; n += 1) other.info({ n }, 'tick')
    log.info({ n: 5 }, 'tick')
    for (const each of [log, other]) each.flush()
    expect([moved, path()].map((each) => numbersOf(linesOf(each)))).toEqual([upTo(5), [5]])
  })

  test('never writes to another file, whatever is closed, moved, opened again and written in between', () => {
    const names = ['a', 'b'] as const
    const step = fc.record({
      at: fc.integer({ min: 0, max: 3 }),
      do: fc.oneof(
        { weight: 6, arbitrary: fc.constant('log' as const) },
        { weight: 1, arbitrary: fc.constantFrom('close', 'reopen', 'flush', 'move', 'write', 'fatal') },
      ),
    })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const own = mkdtempSync(join(folder, 'run-'))
        const pathOf = (name: string): string => join(own, `${name}.jsonl`)
        // Two objects for each file.
        const files = [...names, ...names].map((name) => new LineFile(pathOf(name)))
        const logs = files.map((sink, at) => createLogger({ service: names[at % 2] as string, stdout: false, sink }))
        const moved: string[] = []
        let n = 0
        for (const { at, do: what } of steps) {
          const [target, log] = [files[at] as LineFile, logs[at] as (typeof logs)[number]]
          if (what === 'log') log.info({ n: n++ }, 'tick')
          else if (what === 'fatal') log.fatal({ n: n++ }, 'tick')
          else if (what === 'write') target.write(`{"event":"tick","service":"${names[at % 2]}","n":${n++}}\n`)
          else if (what === 'flush') log.flush()
          else if (what !== 'move') target[what]()
          else if (existsSync(pathOf(names[at % 2] as string))) {
            moved.push(join(own, `${moved.length}.${names[at % 2]}`))
            renameSync(pathOf(names[at % 2] as string), moved.at(-1) as string)
          }
        }
        for (const target of files) target.close()
        const found = [...moved, ...names.map(pathOf).filter(existsSync)].flatMap((path) => {
          const lines = linesOf(path)
          for (const { service } of lines)
            expect(path.includes(`.${service}`) || path.endsWith(`${service}.jsonl`)).toBe(true)
          // Lines of a file that is not moved keep their order.
          if (moved.length === 0) expect(numbersOf(lines)).toEqual(numbersOf(lines).toSorted((a, b) => a - b))
          return numbersOf(lines)
        })
        expect(found.toSorted((a, b) => a - b)).toEqual(upTo(n))
      }),
      { numRuns: 200 },
    )
  })

  test('does not wait while a test fakes the timers', () => {
    const log = createLogger({ service: 's', stdout: false, file: path() })
    log.info({ n: 0 }, 'tick')
    log.info({ n: 1 }, 'tick')
    vi.useFakeTimers()
    try {
      log.info({ n: 2 }, 'tick')
      log.info({ n: 3 }, 'tick')
      expect(numbersOf(linesOf(path()))).toEqual(upTo(4))
    } finally {
      vi.useRealTimers()
    }
  })

  test('writes what waits to the moved file before it opens the new one', () => {
    const target = new LineFile(path())
    const log = createLogger({ service: 's', stdout: false, sink: target })
    for (let n = 0; n < 5; n += 1) log.info({ n }, 'tick')
    renameSync(path(), `${path()}.1.jsonl`)
    target.reopen()
    log.info('new')
    log.flush()
    expect(numbersOf(linesOf(`${path()}.1.jsonl`))).toEqual(upTo(5))
    expect(linesOf(path())).toMatchObject([{ event: 'new' }])
  })

  test('calls a custom destination, and a subclass with another write(), for each line', () => {
    const lines: string[] = []
    class Upper extends LineFile {
      override write(line: string): void {
        lines.push(line)
        super.write(line.toUpperCase())
      }
    }
    const log = createLogger({ service: 's', stdout: false, sink: new Upper(path()) })
    log.info('one')
    log.info('two')
    expect(lines).toHaveLength(2)
    expect(readFileSync(path(), 'utf8')).toContain('"EVENT":"TWO"')
  })

  test.each([501, '1s', -1, 'soon', Number.NaN])('refuses %j as its interval', (flushInterval) => {
    expect(() => createLogger({ service: 's', stdout: false, flushInterval: flushInterval as 1 })).toThrow(
      /createLogger\.flushInterval/,
    )
  })
})

test('two loggers keep the order of their lines on the standard output', async () => {
  const child = run(`const logs = ['a', 'b'].map((service) => createLogger({ service }))
    for (let n = 0; n < 9; n += 1) logs[(n * 3) % 5 % 2].info({ n }, 'tick')`)
  let output = ''
  child.stdout?.on('data', (chunk) => {
    output += chunk
  })
  await once(child, 'close')
  expect(
    numbersOf(
      output
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line)),
    ),
  ).toEqual(upTo(9))
})
