// Faults while lines wait: `kill -9`, a full disk, a rotation, a slow reader. With real processes.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { describe, expect, test, vi } from 'vitest'
import { allLines, ended, file, firstOutput, folder, linesOf, numbersOf, path, run, upTo } from './file-setup.ts'

describe('kill -9', () => {
  test('at full load loses at most 64 KiB, and divides no line but one that was being written', async () => {
    const child = run(`const log = ${file()}
      let n = 0
      const burst = () => {
        for (let i = 0; i < 20; i += 1) log.info({ n: n++, at: Date.now(), pad: 'x'.repeat(100) }, 'tick')
        process.stderr.write(n + ' ')
        setImmediate(burst)
      }
      burst()`)
    let errors = ''
    child.stderr?.on('data', (chunk) => {
      errors += chunk
    })
    await vi.waitFor(() => expect(errors.length).toBeGreaterThan(20_000), { timeout: 10_000 })
    child.kill('SIGKILL')
    await once(child, 'close')
    const logged = Number(errors.trim().split(' ').at(-1))
    const text = readFileSync(path(), 'utf8')
    writeFileSync(path(), text.slice(0, text.lastIndexOf('\n') + 1))
    const lines = linesOf(path())
    const length = readFileSync(path(), 'utf8').length / lines.length
    expect(numbersOf(lines)).toEqual(upTo(lines.length))
    expect((logged - lines.length) * length).toBeLessThanOrEqual(65_536 + 20 * length)
  })

  test('of a slow program loses only lines of the last interval', async () => {
    const child = run(`const log = ${file()}
      let n = 0
      setInterval(() => { log.info({ n: n++, at: Date.now() }, 'tick'); process.stdout.write('x') }, 7)`)
    await firstOutput(child)
    await delay(350)
    child.kill('SIGKILL')
    const killedMs = Date.now()
    await once(child, 'exit')
    const lines = linesOf(path())
    expect(numbersOf(lines)).toEqual(upTo(lines.length))
    // A second interval of patience, because the machine may be busy.
    expect(killedMs - Number(lines.at(-1)?.['at'])).toBeLessThan(300)
  })
})

test('a full disk in the middle of a batch keeps its whole lines and counts the others', async () => {
  const child = run(
    `process.on('SIGXFSZ', () => {})
     const file = new LineFile(${JSON.stringify(path())})
     const log = createLogger({ service: 's', stdout: false, sink: file })
     for (let n = 0; n < 300; n += 1) log.info({ n, pad: 'é'.repeat(n % 60) }, 'tick')
     process.stderr.write(String(file.linesLost))`,
    'ulimit -f 16',
  )
  const { errors } = await ended(child)
  const numbers = numbersOf(linesOf(path()))
  expect(numbers).toEqual(upTo(numbers.length))
  expect(numbers.length).toBeGreaterThan(20)
  expect(Number(errors)).toBe(300 - numbers.length)
})

test('a rotation takes the lines that wait along, and loses none', async () => {
  const child = run(`
    const file = new RotatingFile(${JSON.stringify(path())}, { size: '4K', filesMax: 500 })
    const log = createLogger({ service: 's', stdout: false, sink: file })
    let n = 0
    const timer = setInterval(() => {
      for (let i = 0; i < 3; i += 1) log.info({ n: n++ }, 'tick')
      if (n % 50 === 0) file.rotate()
      if (n >= 1500) { clearInterval(timer); file.close() }
    }, 1)`)
  expect(await ended(child)).toMatchObject({ code: 0, errors: '' })
  const numbers = [...numbersOf(allLines())].sort((one, other) => one - other)
  expect(numbers).toEqual(upTo(1_500))
  expect(readdirSync(folder).filter((name) => name.endsWith('.jsonl')).length).toBeGreaterThan(3)
})

test('a slow reader of the standard output gets whole lines, and the lost ones are counted', async () => {
  const program = `
    import { createLogger } from ${JSON.stringify(new URL('../pino.ts', import.meta.url).href)}
    import { lostLines } from ${JSON.stringify(new URL('../lost-lines.ts', import.meta.url).href)}
    const log = createLogger({ service: 's' })
    for (let n = 0; n < 5000; n += 1) log.info({ n, pad: 'x'.repeat(n % 200) }, 'tick')
    log.flush()
    process.stderr.write(String(lostLines().get('STALLED')))
    process.stdin.once('data', () => log.info('back'))`
  const child = spawn(process.execPath, ['--conditions=@escudo/source', '--input-type=module', '-e', program])
  let errors = ''
  child.stderr.on('data', (chunk) => {
    errors += chunk
  })
  const closed = once(child, 'close')
  await vi.waitFor(() => expect(errors).not.toBe(''), { timeout: 10_000 })
  let text = ''
  child.stdout.on('data', (chunk) => {
    text += chunk
  })
  // While a part is unread, the next line may still find no room.
  await vi.waitFor(() => expect(text.split('\n').length - 1).toBe(5_000 - Number(errors)), { timeout: 10_000 })
  child.stdin.end('the reader is back')
  await closed
  const lines = text.split('\n').slice(0, -1)
  const whole = lines.filter((line) => line.endsWith('}') && line.startsWith('{'))
  expect(lines.length - whole.length).toBeLessThanOrEqual(1)
  const numbers = numbersOf(whole.map((line) => JSON.parse(line)))
  expect(numbers.length + Number(errors)).toBe(5_000)
  expect(numbers.length).toBeLessThan(5_000)
  expect(text).toContain('"event":"log.lines_lost"')
})
