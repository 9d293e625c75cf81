// Lines that wait for each other: when they are written, and which ends of a process lose none. With real processes.
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync, renameSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test, vi } from 'vitest'
import { LineFile } from '../line-file.ts'
import { createLogger } from '../pino.ts'
import { allLines, ended, folder, linesOf, run } from './file-setup.ts'

const path = (): string => join(folder, 'shop.jsonl')
const file = (options = ''): string =>
  `createLogger({ service: 's', stdout: false, file: ${JSON.stringify(path())}${options} })`
const numbersOf = (lines: readonly { readonly [key: string]: unknown }[]): readonly number[] =>
  lines.filter(({ event }) => event === 'tick').map(({ n }) => Number(n))
const upTo = (count: number): readonly number[] => Array.from({ length: count }, (_, index) => index)

async function firstOutput(child: ChildProcess): Promise<void> {
  await once(child.stdout as NodeJS.ReadableStream, 'data')
}

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
    const blockedUntilMs = Date.now() + 520
    while (Date.now() < blockedUntilMs);
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

describe('no line is lost', () => {
  test.each([
    ['the end of the program', '', 0],
    ['process.exit()', 'process.exit(3)', 3],
    ['process.exit() in a timer', 'setTimeout(() => process.exit(3), 10)', 3],
    ['an uncaught error', `setTimeout(() => { throw new Error('bug') }, 10)`, 1],
    ['an unhandled rejection', `void Promise.reject(new Error('bug'))`, 1],
    ['an uncaught value', 'setImmediate(() => { throw null })', 1],
    [
      'lines of exit listeners',
      `process.on('exit', () => { for (let n = 100; n < 105; n += 1) log.info({ n }, 'tick') })`,
      0,
    ],
  ])('by %s', async (_, end, code) => {
    const child = run(`const log = ${file()}
      for (let n = 0; n < 100; n += 1) log.info({ n }, 'tick')
      ${end}`)
    expect((await ended(child)).code).toBe(code)
    const numbers = numbersOf(linesOf(path()))
    expect(numbers).toEqual(upTo(end.includes("'exit'") ? 105 : 100))
  })

  test.each(['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGQUIT'] as const)(
    'by %s, which still ends the process',
    async (signal) => {
      const child = run(`const log = ${file(', flushInterval: 500')}
      for (let n = 0; n < 100; n += 1) log.info({ n }, 'tick')
      process.stdout.write('x')
      setInterval(() => {}, 1000)`)
      await firstOutput(child)
      child.kill(signal)
      expect(await ended(child)).toMatchObject({ code: null, signal })
      expect(numbersOf(linesOf(path()))).toEqual(upTo(100))
    },
  )

  test('by a signal whose handler of the program goes on, and by the next signal', async () => {
    const child = run(`const log = ${file(', flushInterval: 500')}
      process.once('SIGTERM', () => { log.info({ n: 100 }, 'tick'); process.stdout.write('handled') })
      for (let n = 0; n < 100; n += 1) log.info({ n }, 'tick')
      process.stdout.write('x')
      setInterval(() => {}, 1000)`)
    await firstOutput(child)
    child.kill('SIGTERM')
    await firstOutput(child)
    child.kill('SIGTERM')
    expect(await ended(child)).toMatchObject({ signal: 'SIGTERM' })
    expect(numbersOf(linesOf(path()))).toEqual(upTo(101))
  })

  test('in a thread that is ended', async () => {
    const child = run(`
      import { Worker } from 'node:worker_threads'
      const source = ${JSON.stringify(
        `import { createLogger } from ${JSON.stringify(new URL('../pino.ts', import.meta.url).href)}
         import { parentPort } from 'node:worker_threads'
         const log = createLogger({ service: 's', stdout: false, file: process.env.LOG })
         for (let n = 0; n < 100; n += 1) log.info({ n }, 'tick')
         parentPort.postMessage('logged')
         setInterval(() => {}, 1000)`,
      )}
      const worker = new Worker(new URL('data:text/javascript,' + encodeURIComponent(source)), { env: { LOG: ${JSON.stringify(path())} } })
      worker.once('message', () => process.exit(0))`)
    expect(await ended(child)).toMatchObject({ code: 0 })
    expect(numbersOf(linesOf(path()))).toEqual(upTo(100))
  })

  test('of many loggers in one process, without a warning about listeners', async () => {
    const child = run(`
      const logs = Array.from({ length: 100 }, (_, id) => createLogger({ service: 's' + id, stdout: false, file: ${JSON.stringify(join(folder, 'many-'))} + id + '.jsonl' }))
      for (let n = 0; n < 10; n += 1) for (const log of logs) log.info({ n }, 'tick')`)
    expect(await ended(child)).toEqual({ code: 0, signal: null, errors: '' })
    expect(allLines()).toHaveLength(1_000)
  })

  test('of forked processes that share one file, and one pipe', async () => {
    const child = run(`
      import { fork } from 'node:child_process'
      import { writeFileSync } from 'node:fs'
      const program = ${JSON.stringify(join(folder, 'program.mjs'))}
      writeFileSync(program, ${JSON.stringify(
        `import { createLogger } from ${JSON.stringify(new URL('../pino.ts', import.meta.url).href)}
         const log = createLogger({ service: process.argv[2], file: process.argv[3] })
         for (let n = 0; n < 1000; n += 1) log.info({ n, pad: 'x'.repeat(n % 300) }, 'tick')`,
      )})
      for (const who of ['a', 'b', 'c']) fork(program, [who, ${JSON.stringify(path())}], { execArgv: ['--conditions=@escudo/source'] })`)
    let output = ''
    child.stdout?.on('data', (chunk) => {
      output += chunk
    })
    await once(child, 'close')
    const lines = linesOf(path())
    expect(lines).toHaveLength(3_000)
    for (const who of ['a', 'b', 'c'])
      expect(numbersOf(lines.filter(({ service }) => service === who))).toEqual(upTo(1_000))
    const written = output.split('\n').slice(0, -1)
    expect(written).toHaveLength(3_000)
    for (const line of written) expect(JSON.parse(line)).toMatchObject({ event: 'tick' })
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

test('a program that is done ends, although its lines wait', async () => {
  const startedMs = performance.now()
  expect(
    (await ended(run(`const log = ${file(', flushInterval: 500')}; for (let n = 0; n < 9; n += 1) log.info('x')`)))
      .code,
  ).toBe(0)
  expect(performance.now() - startedMs).toBeLessThan(5_000)
  expect(existsSync(path())).toBe(true)
})

test('a program that ends itself if it is the last listener of a signal still does', async () => {
  // As the package signal-exit does it.
  const child = run(`const log = ${file(', flushInterval: 500')}
    const listener = () => {
      if (process.listeners('SIGTERM').length > 1) return
      process.off('SIGTERM', listener)
      process.kill(process.pid, 'SIGTERM')
    }
    process.on('SIGTERM', listener)
    for (let n = 0; n < 9; n += 1) log.info({ n }, 'tick')
    process.stdout.write('x')
    setInterval(() => {}, 1000)`)
  await firstOutput(child)
  child.kill('SIGTERM')
  expect(await ended(child)).toMatchObject({ signal: 'SIGTERM' })
  expect(numbersOf(linesOf(path()))).toEqual(upTo(9))
})

test('the logger listens also while no line waits, so that no signal is dropped with its last listener', async () => {
  const child = run(`const log = ${file()}
    for (let n = 0; n < 9; n += 1) log.info({ n }, 'tick')
    setTimeout(() => {
      process.stderr.write(String(process.listenerCount('SIGTERM')))
      process.kill(process.pid, 'SIGTERM')
    }, 400)
    setTimeout(() => {}, 5_000)`)
  expect(await ended(child)).toMatchObject({ signal: 'SIGTERM', errors: '1' })
})

test('a signal that the program emits itself writes the lines, and ends no process', async () => {
  const child = run(`
    import { readFileSync } from 'node:fs'
    const log = ${file(', flushInterval: 500')}
    for (const emitted of [['SIGTERM'], ['SIGINT', 'SIGINT']]) {
      for (let n = 0; n < 9; n += 1) log.info('tick')
      process.emit(...emitted)
      process.stderr.write(readFileSync(${JSON.stringify(path())}, 'utf8').split('\\n').length - 1 + ' ')
      process.once(emitted[0], () => process.stderr.write('heard '))
      process.emit(...emitted)
    }
    setTimeout(() => process.kill(process.pid, 'SIGTERM'), 100)
    setTimeout(() => {}, 5_000)`)
  expect(await ended(child)).toMatchObject({ signal: 'SIGTERM', errors: '9 heard 18 heard ' })
})

test('a program that removes all listeners of a signal loses no later line', async () => {
  const child = run(`const log = ${file(', flushInterval: 100')}
    for (let n = 0; n < 9; n += 1) log.info({ n }, 'tick')
    process.removeAllListeners('SIGTERM')
    setTimeout(() => {
      for (let n = 9; n < 18; n += 1) log.info({ n }, 'tick')
      process.kill(process.pid, 'SIGTERM')
    }, 400)
    setTimeout(() => {}, 5_000)`)
  expect(await ended(child)).toMatchObject({ signal: 'SIGTERM' })
  expect(numbersOf(linesOf(path()))).toEqual(upTo(18))
})

test('the first process of a container goes on after a signal, as without a logger, and loses no line', async () => {
  const child = run(`
    Object.defineProperty(process, 'pid', { value: 1 })
    // The system ignores it there. Here it would reach another process.
    process.kill = () => true
    const log = ${file(', flushInterval: 500')}
    for (let n = 0; n < 9; n += 1) log.info({ n }, 'tick')
    process.stdout.write('x')
    setTimeout(() => process.exit(process.listenerCount('SIGTERM') + 6), 400)`)
  await firstOutput(child)
  child.kill('SIGTERM')
  await vi.waitFor(() => expect(numbersOf(linesOf(path()))).toEqual(upTo(9)), { timeout: 300, interval: 5 })
  expect(await ended(child)).toMatchObject({ code: 7, signal: null })
})
