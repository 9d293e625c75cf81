// How a process with waiting lines ends. With real processes.
import { once } from 'node:events'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { allLines, ended, file, firstOutput, folder, linesOf, numbersOf, path, run, upTo } from './file-setup.ts'

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
      for (const name of ['a', 'b', 'c']) fork(program, [name, ${JSON.stringify(path())}], { execArgv: ['--conditions=@escudo/source'] })`)
    let output = ''
    child.stdout?.on('data', (chunk) => {
      output += chunk
    })
    await once(child, 'close')
    const lines = linesOf(path())
    expect(lines).toHaveLength(3_000)
    for (const name of ['a', 'b', 'c'])
      expect(numbersOf(lines.filter(({ service }) => service === name))).toEqual(upTo(1_000))
    const written = output.split('\n').slice(0, -1)
    expect(written).toHaveLength(3_000)
    for (const line of written) expect(JSON.parse(line)).toMatchObject({ event: 'tick' })
  })
})

test('a program that is done ends, although its lines wait', async () => {
  const child = run(`const log = ${file(', flushInterval: 500')}
    for (let n = 0; n < 9; n += 1) log.info({ n }, 'tick')
    const doneMs = performance.now()
    process.on('exit', () => process.stderr.write(performance.now() - doneMs < 400 ? 'at once' : 'late'))`)
  expect(await ended(child)).toMatchObject({ code: 0, errors: 'at once' })
  expect(numbersOf(linesOf(path()))).toEqual(upTo(9))
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
  const child = run(`const log = ${file(', flushInterval: 20')}
    for (let n = 0; n < 9; n += 1) log.info({ n }, 'tick')
    setTimeout(() => {
      process.stderr.write(String(process.listenerCount('SIGTERM')))
      process.kill(process.pid, 'SIGTERM')
    }, 100)
    setTimeout(() => {}, 1_000)`)
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
    process.kill(process.pid, 'SIGTERM')
    setTimeout(() => {}, 1_000)`)
  expect(await ended(child)).toMatchObject({ signal: 'SIGTERM', errors: '9 heard 18 heard ' })
})

test('a program that removes all listeners of a signal loses no later line', async () => {
  const child = run(`const log = ${file(', flushInterval: 20')}
    for (let n = 0; n < 9; n += 1) log.info({ n }, 'tick')
    process.removeAllListeners('SIGTERM')
    setTimeout(() => {
      for (let n = 9; n < 18; n += 1) log.info({ n }, 'tick')
      process.kill(process.pid, 'SIGTERM')
    }, 100)
    setTimeout(() => {}, 1_000)`)
  expect(await ended(child)).toMatchObject({ signal: 'SIGTERM' })
  expect(numbersOf(linesOf(path()))).toEqual(upTo(18))
})

test('the first process of a container goes on after a signal, as without a logger, and loses no line', async () => {
  const child = run(`
    import { readFileSync } from 'node:fs'
    const { pid, kill } = process
    Object.defineProperty(process, 'pid', { value: 1 })
    // The system ignores it there. Here it would reach another process.
    process.kill = () => true
    const log = ${file(', flushInterval: 500')}
    for (let n = 0; n < 9; n += 1) log.info({ n }, 'tick')
    kill(pid, 'SIGTERM')
    setTimeout(() => {
      process.stderr.write(readFileSync(${JSON.stringify(path())}, 'utf8').split('\\n').length - 1 + ' lines')
      process.exit(process.listenerCount('SIGTERM') + 6)
    }, 100)`)
  expect(await ended(child)).toMatchObject({ code: 7, signal: null, errors: '9 lines' })
})

test('a signal ends the process that comes while the event loop is blocked, after the last line was written', async () => {
  const child = run(`
    import { stat } from 'node:fs'
    const log = ${file()}
    log.info({ n: 0 }, 'tick')
    log.info({ n: 1 }, 'tick')
    setTimeout(() => stat('/', () => {
      process.kill(process.pid, 'SIGTERM')
      const untilMs = Date.now() + 150
      while (Date.now() < untilMs);
    }), 130)
    setTimeout(() => process.exit(7), 1_000)`)
  expect(await ended(child)).toMatchObject({ code: null, signal: 'SIGTERM' })
  expect(numbersOf(linesOf(path()))).toEqual(upTo(2))
})
