import { execFileSync } from 'node:child_process'
import { closeSync, openSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { describe, expect, test, vi } from 'vitest'
import { RotatingFile } from '../rotation.ts'
import { allLines, ended, folder, linesOf, run } from './file-setup.ts'

describe('RotatingFile', () => {
  test('rotates by size while it is written, loses no line, keeps the name and the number of files', async () => {
    const path = join(folder, 'shop.jsonl')
    const child = run(`
      const file = new RotatingFile(${JSON.stringify(path)}, { size: '20K', filesMax: 50 })
      const log = createLogger({ service: 's', stdout: false, sink: file })
      let n = 0
      const timer = setInterval(() => {
        for (let i = 0; i < 10; i += 1) log.info({ n: n++ }, 'tick')
        if (n >= 3000) { clearInterval(timer); file.close() }
      }, 1)`)
    expect(await ended(child)).toMatchObject({ code: 0, errors: '' })
    const names = readdirSync(folder).filter((name) => name.endsWith('.jsonl'))
    expect(names.length).toBeGreaterThan(5)
    expect(names).toContain('shop.jsonl')
    expect(names.every((name) => /^shop(\.\d{8}-\d{6}\.\d+\.\d+)?\.jsonl$/.test(name))).toBe(true)
    const numbers = allLines().map(({ n }) => Number(n))
    expect(numbers.sort((one, other) => one - other)).toEqual(Array.from({ length: 3_000 }, (_, index) => index))
  })

  test('two processes rotate one file and lose no line', async () => {
    const path = join(folder, 'shop.jsonl')
    const source = (who: string) => `
      const file = new RotatingFile(${JSON.stringify(path)}, { size: '20K', filesMax: 500 })
      const log = createLogger({ service: '${who}', stdout: false, sink: file })
      let n = 0
      const timer = setInterval(() => {
        for (let i = 0; i < 5; i += 1) log.info({ n: n++ }, 'tick')
        if (n >= 2000) { clearInterval(timer); file.close() }
      }, 1)`
    const results = await Promise.all(['a', 'b'].map((who) => ended(run(source(who)))))
    expect(results).toMatchObject([{ code: 0 }, { code: 0 }])
    expect(allLines()).toHaveLength(4_000)
  })

  test('rotates by time, and a file of an earlier interval at the start', async () => {
    const path = join(folder, 'shop.jsonl')
    writeFileSync(path, '{"n":0}\n')
    execFileSync('touch', ['-d', '2 days ago', path])
    const file = new RotatingFile(path, { interval: '1s' })
    await vi.waitFor(() => expect(readdirSync(folder).length).toBeGreaterThanOrEqual(3))
    file.write('{"n":1}\n')
    await delay(1_200)
    file.write('{"n":2}\n')
    file.close()
    expect(linesOf(path)).toEqual([{ n: 2 }])
    expect(allLines()).toHaveLength(3)
  })

  test('deletes the oldest files', async () => {
    const path = join(folder, 'shop.jsonl')
    const file = new RotatingFile(path, { size: '1K', filesMax: 2 })
    for (let n = 0; n < 60; n += 1) {
      file.write(`{"n":${n},"pad":"${'x'.repeat(200)}"}\n`)
      await delay(5)
    }
    await delay(100)
    file.close()
    expect(readdirSync(folder).filter((name) => name.endsWith('.jsonl'))).toHaveLength(3)
  })

  test('goes on with the old file while a rotation fails', async () => {
    const path = join(folder, 'shop.jsonl')
    const child = run(
      `import { openSync, closeSync } from 'node:fs'
       const file = new RotatingFile(${JSON.stringify(path)}, { size: '2K', filesMax: 500 })
       const log = createLogger({ service: 's', stdout: false, sink: file })
       await new Promise((resolve) => setTimeout(resolve, 200))
       const open = []
       try { for (;;) open.push(openSync('/dev/null')) } catch {}
       let n = 0
       const timer = setInterval(() => {
         log.info({ n: n++ }, 'tick')
         if (n === 200) for (const fd of open) closeSync(fd)
         if (n === 1200) { clearInterval(timer); file.close(); process.stderr.write('lost ' + file.linesLost) }
       }, 2)`,
      'ulimit -n 64',
    )
    expect(await ended(child)).toMatchObject({ code: 0, errors: 'lost 0' })
    expect(allLines()).toHaveLength(1_200)
    expect(readdirSync(folder).filter((name) => name.endsWith('.jsonl')).length).toBeGreaterThan(2)
  })

  test.each([{ size: '5' }, { size: '0K' }, { filesMax: 0 }])('refuses %j', (options) => {
    expect(() => new RotatingFile(join(folder, 'x.jsonl'), options)).toThrow(TypeError)
  })

  test('throws for a path that cannot be opened', () => {
    closeSync(openSync(join(folder, 'file'), 'a'))
    expect(() => new RotatingFile(join(folder, 'file/shop.jsonl'))).toThrow(/ENOTDIR|EEXIST/)
  })
})

test('a logger reports the lines that its rotated file has lost', async () => {
  const path = join(folder, 'shop.jsonl')
  const child = run(
    `process.on('SIGXFSZ', () => {})
     import { writeFileSync } from 'node:fs'
     const file = new RotatingFile(${JSON.stringify(path)})
     const log = createLogger({ service: 's', stdout: false, sink: file })
     for (let n = 0; n < 200; n += 1) log.info({ n, pad: 'x'.repeat(50) }, 'tick')
     log.flush()
     writeFileSync(${JSON.stringify(path)}, '')
     log.info('back')
     file.close()`,
    'ulimit -S -f 8',
  )
  expect(await ended(child)).toMatchObject({ code: 0 })
  expect(linesOf(path)).toMatchObject([{ event: 'back' }, { event: 'log.lines_lost', reason: 'EFBIG' }])
})
