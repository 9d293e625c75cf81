// Faults of a log file: each one real. No logging call fails, no line is torn, and losses are counted.
import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { appendFileSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { describe, expect, test, vi } from 'vitest'
import { LineFile } from '../line-file.ts'
import { lostLines } from '../lost-lines.ts'
import { createLogger } from '../pino.ts'
import { allLines, ended, folder, linesOf, run } from './file-setup.ts'

describe('a full disk', () => {
  test('loses whole lines, counts them, and says so when there is room again', async () => {
    const path = join(folder, 'shop.jsonl')
    // A limit on the size of files acts as a full disk, in the middle of a line.
    const child = run(
      `process.on('SIGXFSZ', () => {})
       const log = createLogger({ service: 's', stdout: false, file: ${JSON.stringify(path)} })
       for (let n = 0; n < 200; n += 1) log.info({ n, pad: 'x'.repeat(50) }, 'tick')
       log.flush()
       process.stdout.write('full')
       process.stdin.resume()
       setTimeout(() => { log.info('back'); process.exit(0) }, 1500)`,
      'ulimit -S -f 8',
    )
    await once(child.stdout as NodeJS.ReadableStream, 'data')
    const before = linesOf(path).length
    expect(before).toBeGreaterThan(20)
    expect(before).toBeLessThan(200)
    // Room again: the limit of the process, and the file is emptied as by an operator.
    writeFileSync(path, '')
    expect(await ended(child)).toMatchObject({ code: 0 })
    const [back, lost] = linesOf(path)
    expect(back).toMatchObject({ event: 'back' })
    expect(lost).toMatchObject({
      event: 'log.lines_lost',
      log_level: 'warning',
      lines_lost: 200 - before,
      reason: 'EFBIG',
    })
    expect(Date.parse(String(lost?.['since']))).toBeLessThan(Date.now())
  })

  test('of a device is counted, and never throws', () => {
    const before = lostLines().get('ENOSPC') ?? 0
    const file = new LineFile('/dev/full')
    const log = createLogger({ service: 's', stdout: false, sink: file })
    for (let n = 0; n < 3; n += 1) expect(() => log.info({ n }, 'tick')).not.toThrow()
    expect(file.linesLost).toBe(3)
    expect((lostLines().get('ENOSPC') ?? 0) - before).toBe(3)
  })

  test('of a file system of 64 KiB tears no line of two processes that share the file', async () => {
    const mount = join(folder, 'disk')
    execFileSync('mkdir', [mount])
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', mount], { stdio: 'ignore' })
    } catch {
      // Without root there is no small file system. The limit on the size of files above covers the same code.
      return
    }
    try {
      const path = join(mount, 'shop.jsonl')
      const source = (who: string) => `
        const log = createLogger({ service: '${who}', stdout: false, file: ${JSON.stringify(path)} })
        for (let n = 0; n < 2000; n += 1) log.info({ n, pad: 'x'.repeat(n % 90) }, 'tick')`
      const results = await Promise.all(['a', 'b'].map((who) => ended(run(source(who)))))
      expect(results).toMatchObject([{ code: 0 }, { code: 0 }])
      const lines = linesOf(path)
      expect(lines.length).toBeGreaterThan(100)
      expect(lines.every(({ event }) => event === 'tick')).toBe(true)
      expect(statSync(path).size).toBeGreaterThan(60_000)
    } finally {
      execFileSync('umount', [mount])
    }
  })
})

test('two processes that fill their file to the limit never cut each other’s lines', async () => {
  const path = join(folder, 'shop.jsonl')
  const source = (who: string) => `
    process.on('SIGXFSZ', () => {})
    const log = createLogger({ service: '${who}', stdout: false, file: ${JSON.stringify(path)} })
    for (let n = 0; n < 3000; n += 1) log.info({ n, pad: '${who}'.repeat(n % 97) }, 'tick')`
  // One process may write 40 KiB, the other one more: it appends while the first one removes its partial lines.
  const results = await Promise.all([ended(run(source('a'), 'ulimit -f 40')), ended(run(source('b'), 'ulimit -f 80'))])
  expect(results).toMatchObject([{ code: 0 }, { code: 0 }])
  const lines = linesOf(path)
  const seen = (who: string) => lines.filter(({ service }) => service === who).map(({ n }) => Number(n))
  for (const who of ['a', 'b']) expect(seen(who)).toEqual([...new Set(seen(who))].sort((one, other) => one - other))
  expect(lines.length).toBeGreaterThan(200)
})

test('two processes append to one file: every line of both is there, whole', async () => {
  const path = join(folder, 'shop.jsonl')
  const source = (who: string) => `
    const log = createLogger({ service: '${who}', stdout: false, file: ${JSON.stringify(path)} })
    for (let n = 0; n < 2000; n += 1) log.info({ n, pad: 'x'.repeat(n % 300) }, 'tick')`
  await Promise.all(['a', 'b'].map((who) => ended(run(source(who)))))
  expect(linesOf(path)).toHaveLength(4_000)
})

test('without free descriptors, lines go to the moved file, then to the new one', async () => {
  const path = join(folder, 'shop.jsonl')
  const child = run(
    `import { openSync, closeSync, renameSync } from 'node:fs'
     const file = new LineFile(${JSON.stringify(path)})
     const log = createLogger({ service: 's', stdout: false, sink: file })
     log.info({ n: 1 }, 'tick')
     const open = []
     try { for (;;) open.push(openSync('/dev/null')) } catch (error) { process.stderr.write(error.code) }
     renameSync(${JSON.stringify(path)}, ${JSON.stringify(`${path}.1.jsonl`)})
     file.reopen()
     log.info({ n: 2 }, 'tick')
     for (const fd of open) closeSync(fd)
     file.reopen()
     log.info({ n: 3 }, 'tick')
     process.stderr.write(' lost ' + file.linesLost)`,
    'ulimit -n 64',
  )
  expect(await ended(child)).toMatchObject({ code: 0, errors: 'EMFILE lost 0' })
  expect(linesOf(`${path}.1.jsonl`).map(({ n }) => n)).toEqual([1, 2])
  expect(linesOf(path).map(({ n }) => n)).toEqual([3])
})

test('a file that was deleted cannot be opened without free descriptors: its lines are counted', async () => {
  const path = join(folder, 'shop.jsonl')
  const child = run(
    `import { openSync, closeSync, rmSync } from 'node:fs'
     const file = new LineFile(${JSON.stringify(path)})
     const log = createLogger({ service: 's', stdout: false, sink: file })
     const open = []
     try { for (;;) open.push(openSync('/dev/null')) } catch {}
     rmSync(${JSON.stringify(path)})
     file.reopen()
     const spare = openSync.bind(null, '/dev/null')
     try { open.push(spare()) } catch {}
     log.info({ n: 1 }, 'tick')
     for (const fd of open) closeSync(fd)
     file.reopen()
     log.info({ n: 2 }, 'tick')`,
    'ulimit -n 64',
  )
  expect(await ended(child)).toMatchObject({ code: 0 })
  expect(linesOf(path)).toMatchObject([{ n: 2 }, { event: 'log.lines_lost', lines_lost: 1, reason: 'EMFILE' }])
})

test('a closed pipe does not end the process, and its lines are counted', async () => {
  const path = join(folder, 'shop.jsonl')
  const child = run(`
    const log = createLogger({ service: 's', file: ${JSON.stringify(path)} })
    let n = 0
    const timer = setInterval(() => {
      for (let i = 0; i < 50; i += 1) log.info({ n: (n += 1) }, 'tick')
      if (n >= 2000) { clearInterval(timer); process.exitCode = 7 }
    }, 1)`)
  child.stdout?.once('data', () => child.stdout?.destroy())
  const [code] = (await once(child, 'exit')) as [number]
  expect(code).toBe(7)
  // The other destination has every line.
  expect(linesOf(path)).toHaveLength(2_000)
})

test('kill -9 in the middle of writing loses no line that was logged without an interval, and tears none', async () => {
  const path = join(folder, 'shop.jsonl')
  const child = run(`
    const log = createLogger({ service: 's', stdout: false, file: ${JSON.stringify(path)}, flushInterval: 0 })
    for (let n = 0; ; n += 1) { log.info({ n, pad: 'x'.repeat(500) }, 'tick'); if (n === 100) process.stdout.write('x') }`)
  await once(child.stdout as NodeJS.ReadableStream, 'data')
  child.kill('SIGKILL')
  // Bash has replaced itself with Node, so this is Node's process.
  await once(child, 'exit')
  const lines = linesOf(path)
  expect(lines.length).toBeGreaterThan(100)
  expect(lines.map(({ n }) => n)).toEqual(lines.map((_, index) => index))
})

test('the torn end of a file does not corrupt the first line of the next process', () => {
  const path = join(folder, 'shop.jsonl')
  appendFileSync(path, '{"event":"old"}\n{"event":"to')
  const log = createLogger({ service: 's', stdout: false, file: path })
  log.info('new')
  log.info('newer')
  log.flush()
  const texts = readFileSync(path, 'utf8').split('\n')
  expect(texts[1]).toBe('{"event":"to')
  expect(texts.slice(2, 4).map((text) => JSON.parse(text).event)).toEqual(['new', 'newer'])
})

test('start, stop and crash: the last lines are in the file', async () => {
  const path = join(folder, 'shop.jsonl')
  const program = (end: string) => `
    const log = createLogger({ service: 's', version: '1.2.3', env: 'test', stdout: false, file: ${JSON.stringify(path)} })
    const stopped = logService(log, { port: 8000 })
    log.info('tick')
    ${end}`
  const exits = [
    await ended(run(program(`stopped({ reason: 'SIGTERM' }); stopped()`))),
    await ended(run(program(`process.exit(3)`))),
    await ended(run(program(`throw new Error('bug')`))),
  ]
  expect(exits.map(({ code }) => code)).toEqual([0, 3, 1])
  const lines = linesOf(path)
  expect(lines.map(({ event }) => event)).toEqual(Array(3).fill(['service.start', 'tick', 'service.stop']).flat())
  const instance = { host: expect.any(String), pid: expect.any(Number), started_at: expect.stringMatching(/Z$/) }
  expect(lines[0]).toMatchObject({ service_version: '1.2.3', env: 'test', port: 8000, instance })
  expect(lines[2]).toMatchObject({ reason: 'SIGTERM', instance, uptime_ms: expect.any(Number) })
  expect(lines[5]).toMatchObject({ exit_code: 3 })
  expect(lines[8]).toMatchObject({ exit_code: 1 })
  expect(lines[3]?.['instance']).not.toEqual(lines[0]?.['instance'])
})

test('SIGHUP after a move: no line is lost, the new ones are in the new file', async () => {
  const path = join(folder, 'shop.jsonl')
  const child = run(`
    const file = new LineFile(${JSON.stringify(path)})
    const log = createLogger({ service: 's', stdout: false, sink: file })
    process.on('SIGHUP', () => { file.reopen(); log.info('reopened') })
    let n = 0
    const timer = setInterval(() => {
      for (let i = 0; i < 5; i += 1) log.info({ n: n++ }, 'tick')
      if (n >= 1000) clearInterval(timer)
    }, 1)`)
  await vi.waitFor(() => expect(statSync(path).size).toBeGreaterThan(1_000), { timeout: 5_000 })
  renameSync(path, `${path}.1.jsonl`)
  child.kill('SIGHUP')
  await ended(child)
  expect(linesOf(path)[0]).toMatchObject({ event: 'reopened' })
  const ticks = allLines().filter(({ event }) => event === 'tick')
  expect(ticks.map(({ n }) => Number(n)).sort((one, other) => one - other)).toEqual(ticks.map((_, index) => index))
  expect(ticks).toHaveLength(1_000)
})

test('a file that other code rotates is opened again without a signal', async () => {
  const path = join(folder, 'shop.jsonl')
  const file = new LineFile(path)
  file.write('{"n":1}\n')
  renameSync(path, `${path}.1.jsonl`)
  await delay(1_050)
  file.write('{"n":2}\n')
  file.close()
  expect(linesOf(path)).toEqual([{ n: 2 }])
})
